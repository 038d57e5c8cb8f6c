"""Whole campaigns on a stage: every kind, every ending, doubt included."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from campaigns.errors import (
    JobError,
    KeyConflictError,
    SettingsError,
    StateError,
    UnknownCampaignError,
    WaitTimeoutError,
)
from campaigns.flow.dispatch import declare_unknown
from campaigns.flow.poll import poll_while_due
from campaigns.flow.send import send_batch
from campaigns.handle import Campaign
from campaigns.results import Consumer
from campaigns.settings import Rate
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job
from tests.support.stage import Stage

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


class TestKinds:
    """What each kind of job sends, and what becomes known of it."""

    def test_sample_request(self, stage: Stage) -> None:
        """Five mailings, ten messages, one paid request."""
        campaign = stage.enqueue(sample_job(schedule=None))
        stage.finish(campaign)
        assert stage.sandbox.summary()["requests"]["sendBulkViber"] == 1
        rows = stage.sandbox.ledger()
        assert len(rows) == 10
        told = {(d.mailing, d.phone): d.delivery_id for d in campaign.deliveries()}
        assert told == {(row["mailing"], row["phone"]): row["delivery_id"] for row in rows}
        status = campaign.status()
        assert status.state == "finished"
        assert status.statuses == {"READ": 10}
        assert status.cost == Decimal("0.49")
        assert status.currency == "EUR"

    def test_bulk_over_many_requests(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=100)
        campaign = stage.enqueue(bulk_job(phones(250)))
        stage.finish(campaign)
        assert stage.sandbox.summary()["requests"]["sendBulkViber"] == 3
        assert sorted(row["phone"] for row in stage.sandbox.ledger()) == phones(250)

    def test_two_texts_to_one_phone_go_in_two_requests(self, stage: Stage) -> None:
        phone = phones(1)[0]
        campaign = stage.enqueue(personal_job([{"phone": phone, "text": "one"}, {"phone": phone, "text": "two"}]))
        stage.finish(campaign)
        assert {row["text"] for row in stage.sandbox.ledger()} == {"one", "two"}
        assert stage.sandbox.summary()["requests"]["sendBulkViber"] == 2

    def test_quick(self, stage: Stage) -> None:
        campaign = stage.enqueue(
            quick_job("375297779901", "+375 29 777-99-09", forwarding_message=1, forwarding_time=5)
        )
        stage.finish(campaign)
        stage.until(lambda: len(campaign.replies()) == 1)
        assert campaign.status().statuses == {"UNDELIVERED": 1, "READ": 1}
        assert campaign.replies()[0].message == "Yes"
        assert {d.phone: d.error_code for d in campaign.deliveries()} == {"375297779901": 1, "375297779909": 0}

    def test_quick_with_an_image_file(self, stage: Stage, tmp_path: Path) -> None:
        image = tmp_path / "sale.png"
        image.write_bytes(PNG)
        job = {"kind": "quick", "vibername_id": 7, "phone": phones(1)[0], "type_message": "IMAGE", "image": image}
        stage.finish(stage.enqueue(job))
        assert stage.sandbox.ledger()[0]["image"]["bytes"] == len(PNG)

    def test_list(self, stage: Stage) -> None:
        campaign = stage.enqueue(list_job(2, max_recipients=25))
        stage.finish(campaign)
        status = campaign.status()
        assert (status.total, status.sent, status.statuses) == (25, 25, {"READ": 25})
        assert len(list(campaign.deliveries())) == 25
        requests = stage.sandbox.summary()["requests"]
        assert requests["sendViberMessageList"] == requests["confirmViberMessage"] == 1

    def test_list_over_its_limit_is_never_confirmed(self, stage: Stage) -> None:
        campaign = stage.enqueue(list_job(2, max_recipients=24))
        stage.finish(campaign)
        assert campaign.status().recipients["rejected"] == 25
        assert "confirmViberMessage" not in stage.sandbox.summary()["requests"]
        assert stage.sandbox.ledger() == []

    def test_list_over_its_cost_is_never_confirmed(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(message_cost=Decimal("0.05"))
        campaign = stage.enqueue(list_job(2, max_cost="1.20"))
        stage.finish(campaign)
        assert campaign.status().recipients["rejected"] == 25
        assert stage.sandbox.ledger() == []

    def test_scheduled(self, stage: Stage) -> None:
        """It is handed over at once; the gateway keeps it until its time."""
        campaign = stage.enqueue(sample_job())
        stage.until(lambda: campaign.status().sent == 10)
        stage.step()
        assert campaign.status().final == 0
        assert stage.services.due.depth("poll", stage.services.now_ms()) == (0, None)


class TestRefusals:
    """What the gateway refuses, and what that costs the rest."""

    def test_a_mailing_is_refused_later_by_name(self, stage: Stage) -> None:
        job = sample_job(schedule=None)
        job["messages"][2]["content"]["image_url"] = "https://example-site.com/wrong-size.jpg"
        campaign = stage.enqueue(job)
        stage.finish(campaign)
        status = campaign.status()
        assert (status.recipients["rejected"], status.recipients["settled"]) == (2, 8)
        rejected = [d for d in campaign.deliveries() if d.state == "rejected"]
        assert {d.mailing for d in rejected} == {"mailing list 3"}
        event = next(e for e in stage.events(campaign) if e.type == "mailing.rejected")
        assert event.data["gateway_text"] == "mailing list 3: Optimal image size 800x800 px"

    def test_every_mailing_is_refused(self, stage: Stage) -> None:
        job = sample_job(schedule=None)
        job["messages"] = [job["messages"][4]]
        job["messages"][0]["content"]["image_url"] = "https://example-site.com/wrong-size.jpg"
        campaign = stage.enqueue(job)
        stage.finish(campaign)
        assert campaign.status().recipients["rejected"] == 2

    def test_the_whole_request_is_refused(self, stage: Stage) -> None:
        stage.sandbox.fault("refuse", "sendBulkViber", text="Alphaname is not valid")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert campaign.status().recipients["rejected"] == 3
        event = next(e for e in stage.events(campaign) if e.type == "batch.rejected")
        assert event.data["gateway_text"] == "Alphaname is not valid"
        assert event.data["http_status"] == 400

    @pytest.mark.parametrize("fault", ["refuse_account", "no_money", "too_many"])
    def test_the_account_is_refused(self, make_stage: Callable[..., Stage], fault: str) -> None:
        """It rests, with an event, and then everything is sent once."""
        stage = make_stage(account_pause_s=0.5, penalty_s=0.5)
        stage.sandbox.fault(fault, "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert campaign.status().sent == 3
        paused = list(stage.services.events.since(source="accounts/default"))
        assert [e.type for e in paused] == ["account.paused"]

    def test_retry_after_is_kept(self, stage: Stage) -> None:
        stage.sandbox.fault("too_many", "sendBulkViber", retry_after="3")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.step()
        resting = stage.services.limiter.resting("default")
        assert resting is not None
        assert 1000 < resting[0] - stage.services.now_ms() <= 3000
        assert campaign.status().recipients["planned"] == 3

    def test_failures_in_a_row_pause_the_account(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(failures_before_pause=2, recipients_per_request=1)
        stage.sandbox.fault("refuse", "sendBulkViber", times=2)
        campaign = stage.enqueue(bulk_job(phones(4)))
        stage.step()
        assert campaign.status().recipients["rejected"] == 2
        assert stage.services.limiter.resting("default") is not None

    def test_without_a_token_nothing_is_claimed(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(accounts={})
        campaign = stage.enqueue(bulk_job(phones(1)))
        with pytest.raises(SettingsError, match="CAMPAIGNS_TOKEN"):
            stage.step()
        assert campaign.status().recipients["planned"] == 1


class TestDoubt:
    """Bytes left, and no clear answer came."""

    AFTER = ("reset_after", "hang_after", "error_500_after", "cut_headers", "cut_body", "garbage", "html", "redirect")

    @pytest.mark.parametrize("fault", AFTER)
    def test_evidence_is_found(self, stage: Stage, fault: str) -> None:
        """The listing shows that it was sent: accepted, and followed to the end."""
        stage.sandbox.fault(fault, "sendBulkViber", delay_s=3)
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert "batch.unknown" in stage.event_types(campaign)
        assert campaign.status().statuses == {"READ": 3}
        assert len(stage.sandbox.ledger()) == 3

    @pytest.mark.parametrize("fault", ["reset_before", "error_500_before", "hang_before"])
    def test_absence_is_never_assumed(self, stage: Stage, fault: str) -> None:
        """Without another batch of ours in the listing nothing is proven: held, even with on_unknown resend."""
        stage.sandbox.fault(fault, "sendBulkViber", delay_s=3)
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert stage.sandbox.ledger() == []

    def test_absence_is_proven_and_resent(self, stage: Stage) -> None:
        known = stage.enqueue(bulk_job(phones(2, start=50), text="known"))
        stage.finish(known)
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}
        assert len(stage.sandbox.ledger()) == 5

    def test_absence_is_proven_and_held(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert len(stage.sandbox.ledger()) == 2

    def test_a_listing_that_shows_nothing_resends_nothing(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        stage.sandbox.change(list_bulk=False)
        stage.sandbox.fault("reset_after", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert len(stage.sandbox.ledger()) == 5

    def test_twins_prove_nothing_for_each_other(self, stage: Stage) -> None:
        """Two requests that look alike, one sent and one not: neither may claim the mailing."""
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        stage.sandbox.fault("reset_after", "sendBulkViber")
        stage.sandbox.fault("reset_before", "sendBulkViber")
        pair = [stage.enqueue(bulk_job(phones(3), on_unknown="resend")) for _ in range(2)]
        stage.finish(*pair)
        assert [c.status().recipients["held"] for c in pair] == [3, 3]
        assert len(stage.sandbox.ledger()) == 5

    def test_quick_in_doubt(self, stage: Stage) -> None:
        stage.sandbox.fault("reset_after", "sendQuickViberMessage")
        campaign = stage.enqueue(quick_job(phones(1)[0]))
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 1}

    @pytest.mark.parametrize("fault", ["reset_after", "reset_before", "error_500_after", "error_500_before"])
    def test_confirm_in_doubt(self, stage: Stage, fault: str) -> None:
        """Decided by the mailing's own state: confirmed exactly once either way."""
        stage.sandbox.fault(fault, "confirmViberMessage")
        campaign = stage.enqueue(list_job(1))
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 4}
        assert len(stage.sandbox.ledger()) == 4

    def test_confirm_in_doubt_and_nobody_to_ask(self, stage: Stage) -> None:
        stage.sandbox.fault("reset_after", "confirmViberMessage")
        campaign = stage.enqueue(list_job(1))
        stage.sandbox.fault("error_500_before", "getViberMessageData", times=0)
        stage.finish(campaign)
        assert len(stage.sandbox.ledger()) == 4

    def test_lease_over(self, stage: Stage) -> None:
        """The worker died: unknown, never planned again by itself."""
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.services.batches.claim(f"{campaign.id}-0", "bulk")
        batch = stage.services.batches.read(f"{campaign.id}-0")
        assert declare_unknown(stage.services, batch)
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert stage.sandbox.ledger() == []


class TestSteering:
    """Pause, resume, cancel."""

    def test_pause_and_resume(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        campaign.pause()
        stage.wake_ups.clear()
        stage.step()
        assert stage.sandbox.ledger() == []
        assert campaign.status().state == "paused"
        campaign.resume()
        stage.finish(campaign)
        assert len(stage.sandbox.ledger()) == 3

    def test_cancel(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=2)
        campaign = stage.enqueue(bulk_job(phones(6)))
        stage.wake_ups.clear()
        first = stage.services.batches.read(f"{campaign.id}-0")
        send_batch(stage.services, first)
        status = campaign.cancel()
        assert status.recipients["cancelled"] == 4
        stage.finish(campaign)
        assert campaign.status().state == "cancelled"
        assert len(stage.sandbox.ledger()) == 2
        with pytest.raises(StateError):
            campaign.pause()

    def test_unknown_campaign(self, stage: Stage) -> None:
        for act in (Campaign.status, Campaign.pause, Campaign.cancel):
            with pytest.raises(UnknownCampaignError):
                act(Campaign("nope", stage.services))

    def test_wait(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        with pytest.raises(WaitTimeoutError):
            campaign.wait(0.05, poll_s=0.01)
        stage.finish(campaign)
        assert campaign.wait(1).state == "finished"


class TestDeciding:
    """What a person decides, recorded with who and why."""

    def held(self, stage: Stage) -> Campaign:
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        return campaign

    def test_resend(self, stage: Stage) -> None:
        campaign = self.held(stage)
        assert campaign.resolve("resend", by="ann", why="not in the cabinet") == 1
        assert campaign.status().state == "ready"
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}
        planned = next(e for e in stage.events(campaign) if e.type == "batch.planned")
        assert (planned.data["by"], planned.data["why"]) == ("ann", "not in the cabinet")
        assert campaign.resolve("resend", by="ann", why="again") == 0

    def test_sent(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(poll_horizon_s=2.0)
        campaign = self.held(stage)
        assert campaign.resolve("sent", by="ann", why="seen in the cabinet", batch_id=f"{campaign.id}-0") == 1
        assert campaign.status().sent == 3
        stage.finish(campaign)
        assert campaign.status().statuses == {"UNKNOWN_FINAL": 3}

    def test_write_off(self, stage: Stage) -> None:
        campaign = self.held(stage)
        assert campaign.resolve("write-off", by="ann", why="too late") == 1
        stage.finish(campaign)
        assert campaign.status().recipients["written_off"] == 3

    def test_what_is_no_decision(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        with pytest.raises(ValueError, match="sent, resend, write-off"):
            campaign.resolve("guess", by="ann", why="?")
        assert campaign.resolve("resend", by="ann", why="nothing is held") == 0
        assert campaign.resolve("resend", by="ann", why="not its batch", batch_id="other-0") == 0

    def test_retry(self, stage: Stage) -> None:
        stage.sandbox.fault("refuse", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert campaign.retry(by="ann", why="the name is registered now") == 1
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}


class TestEnqueue:
    """What is stored, and what is not."""

    def test_same_key_same_job(self, stage: Stage) -> None:
        first = stage.enqueue(bulk_job(phones(3)), key="order-1")
        assert stage.enqueue(bulk_job(phones(3)), key="order-1") == first
        assert stage.enqueue(bulk_job([]) | bulk_job(phones(3)), key="order-1") == first
        stage.finish(first)
        assert len(stage.sandbox.ledger()) == 3

    def test_same_key_other_job(self, stage: Stage) -> None:
        first = stage.enqueue(bulk_job(phones(3)), key="order-1")
        with pytest.raises(KeyConflictError) as caught:
            stage.enqueue(bulk_job(phones(4)), key="order-1")
        assert caught.value.campaign_id == first.id

    def test_taken_out_and_listed(self, stage: Stage) -> None:
        good = phones(2)
        stage.services.optouts.add([good[1]])
        campaign = stage.enqueue(bulk_job([*good, good[0], "not a phone"]))
        stage.finish(campaign)
        assert sorted(campaign.taken_out()) == [
            ("duplicate", "messages[0].delivery_list[2]", good[0]),
            ("invalid", "messages[0].delivery_list[3]", "not a phone"),
            ("opted_out", "messages[0].delivery_list[1]", good[1]),
        ]
        assert [row["phone"] for row in stage.sandbox.ledger()] == [good[0]]

    def test_everybody_taken_out(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(["nobody"]))
        assert campaign.status().state == "finished"

    def test_strict(self, stage: Stage) -> None:
        with pytest.raises(JobError, match="1 invalid"):
            stage.enqueue(bulk_job([*phones(1), "nobody"]), strict=True)
        assert_nothing_stored(stage)

    def test_stream_of_recipients(self, stage: Stage) -> None:
        job = bulk_job([])
        del job["messages"][0]["delivery_list"]
        campaign = stage.enqueue(job, recipients=(phone for phone in phones(1500)))
        stage.finish(campaign)
        assert len(stage.sandbox.ledger()) == 1500

    def test_stream_that_breaks_a_rule(self, stage: Stage) -> None:
        """What had been stored before the mistake came along goes as well."""
        job = personal_job([])
        del job["messages"][0]["delivery_list"]
        rows = [{"phone": phone, "text": "x"} for phone in phones(1200)]
        rows[1100]["text"] = ""
        with pytest.raises(JobError) as caught:
            stage.enqueue(job, recipients=iter(rows))
        assert caught.value.lines == ["messages[0].delivery_list[1100].text: must be text that is not empty"]
        assert_nothing_stored(stage)

    def test_file_of_recipients(self, stage: Stage, tmp_path: Path) -> None:
        table = tmp_path / "people.csv"
        table.write_text("Телефон;text\n+375 29 1000000;Привет\n375291000001;Здравствуйте\n", "utf-8")
        job = personal_job([])
        del job["messages"][0]["delivery_list"]
        stage.finish(stage.enqueue(job, recipients=table))
        got = {row["phone"]: row["text"] for row in stage.sandbox.ledger()}
        assert got == {"375291000000": "Привет", "375291000001": "Здравствуйте"}

    def test_limits(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(message_cost=Decimal("0.05"))
        with pytest.raises(JobError) as caught:
            stage.enqueue(bulk_job(phones(3), max_recipients=2, max_cost="0.1"))
        assert caught.value.lines == [
            "max_recipients: 3 recipients, more than 2",
            "max_cost: expected cost 0.15, more than 0.1",
        ]
        assert_nothing_stored(stage)

    def test_cost_that_cannot_be_checked(self, stage: Stage) -> None:
        with pytest.raises(JobError, match="message_cost"):
            stage.enqueue(bulk_job(phones(3), max_cost="0.1"))


class TestFollowing:
    """Replies, opt-outs, silence, sweeping."""

    def test_replies_are_stored_once_and_marked(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(["375297779908", "375297779910", "375297779913"]))
        stage.finish(campaign)
        stage.until(lambda: len(campaign.replies()) == 4 and stage.sandbox.summary()["unmarked_replies"] == 0)
        assert sorted(r.message for r in campaign.replies()) == ["STOP", "Thank you", "Yes", "СТОП"]
        assert set(stage.services.optouts) == {"375297779908", "375297779913"}
        assert stage.event_types(campaign).count("reply.received") == 4

    def test_silence_past_the_horizon(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(poll_horizon_s=1.0)
        campaign = stage.enqueue(bulk_job(["375297779903", "375297779904", "375297779906", "375297779912"]))
        stage.finish(campaign)
        assert campaign.status().statuses == {"DELIVERED": 1, "UNKNOWN_FINAL": 3}
        assert campaign.status().awaiting == 0

    def test_strange_words_pass(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(["375297779906"]))
        stage.until(lambda: campaign.status().statuses == {"PENDING_REVIEW": 1})

    def test_polls_share_the_limit(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(rate_limit=Rate(20, 1.0), recipients_per_request=1)
        campaign = stage.enqueue(bulk_job(phones(12)))
        stage.finish(campaign)
        assert stage.sandbox.summary()["max_per_second"]["all"] <= 20

    def test_lost_due_entries_are_found_again(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.wake_ups.clear()
        keys = stage.services.store.keys
        stage.services.store.ask("delete", *keys.all_due())
        assert stage.sweep() == 1
        stage.until(lambda: campaign.status().sent == 3)
        stage.services.store.ask("delete", *keys.all_due())
        assert stage.sweep() == 2
        stage.finish(campaign)

    def test_one_wake_up_polls_all_that_is_due(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=1, poll_min_s=0.001)
        campaign = stage.enqueue(bulk_job(phones(5)))
        stage.until(lambda: campaign.status().sent == 5)
        time.sleep(0.05)
        assert poll_while_due(stage.services, f"{campaign.id}-0", time.monotonic) >= 5

    def test_a_full_stream_pauses_campaigns(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(events_cap=100, events_life_s=0.001)
        consumed = Consumer(stage.services.store, "slow")
        consumed.create_group()
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.wake_ups.clear()
        events = stage.services.store.keys.events()
        for _ in range(100):
            stage.services.store.ask("xadd", events, {"x": "y"})
        stage.sweep()
        assert campaign.status().state == "paused"
        assert len(stage.services.events) > 100

    def test_trimming_spares_what_a_group_has_not_done(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(events_life_s=0.001)
        slow = Consumer(stage.services.store, "slow", batch=1)
        slow.create_group()
        stage.finish(stage.enqueue(bulk_job(phones(2))))
        whole = len(stage.services.events)
        stage.sweep()
        assert len(stage.services.events) == whole
        reading = slow.events(idle_s=0.1)
        for _ in range(3):
            next(reading)
        stage.sweep()
        assert len(stage.services.events) == whole - 2
        reading.close()  # type: ignore[attr-defined]  # it is a generator
        rest = Consumer(stage.services.store, "slow", claim_idle_ms=1)
        assert len([event.id for event in rest.events(idle_s=0.2)]) >= whole - 2
        stage.sweep()
        assert len(stage.services.events) <= 1

    def test_retired(self, make_stage: Callable[..., Stage]) -> None:
        """When its time is over nothing of a campaign is left but the event stream and the opt-outs."""
        stage = make_stage(reply_window_s=0.5, retention_s=0.3)
        campaign = stage.enqueue(bulk_job(phones(3)), key="gone")
        stage.finish(campaign)
        stage.until(lambda: stage.sweep() == 0 and not stage.services.campaigns.active())

        def gone() -> bool:
            stage.sweep()
            left = {
                k.decode() for k in stage.services.store.redis.scan_iter(match=stage.services.store.keys.prefix + "*")
            }
            kinds = {key.removeprefix(stage.services.store.keys.prefix).split(":")[0] for key in left}
            return not kinds & {"campaign", "batch", "body", "deliveries", "replies", "key", "campaigns", "active"}

        stage.until(gone)


def assert_nothing_stored(stage: Stage) -> None:
    keys = stage.services.store.keys
    assert list(stage.services.store.redis.scan_iter(match=keys.prefix + "*")) == []
