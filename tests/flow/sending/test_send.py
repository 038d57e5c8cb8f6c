"""What each kind of job sends, and what the gateway refuses."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

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
        delivery_ids = {(d.mailing, d.phone): d.delivery_id for d in campaign.deliveries()}
        assert delivery_ids == {(row["mailing"], row["phone"]): row["delivery_id"] for row in rows}
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

    @pytest.mark.clear_listing
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
        before_ms = stage.services.now_ms()
        stage.step()
        assert campaign.status().final == 0
        assert stage.services.due.depth("poll", before_ms) == (0, None)


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
        """The account pauses, with an event, and then everything is sent once."""
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
        pause_of = stage.services.limiter.pause_of("default")
        assert pause_of is not None
        assert 1000 < pause_of[0] - stage.services.now_ms() <= 3000
        assert campaign.status().recipients["planned"] == 3

    def test_failures_in_a_row_pause_the_account(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(failures_before_pause=2, recipients_per_request=1)
        stage.sandbox.fault("refuse", "sendBulkViber", times=2)
        campaign = stage.enqueue(bulk_job(phones(4)))
        stage.step()
        assert campaign.status().recipients["rejected"] == 2
        assert stage.services.limiter.pause_of("default") is not None

    def test_without_a_token_nothing_is_claimed_and_an_event_says_so(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(accounts={})
        campaign = stage.enqueue(bulk_job(phones(1), account="Shop"))
        stage.step()
        status = campaign.status()
        assert (status.account, status.recipients["planned"]) == ("shop", 1)
        assert "CAMPAIGNS_TOKEN_SHOP: is not set" in status.account_pause_reason
        (event,) = stage.services.events.since(source="accounts/shop")
        assert (event.type, event.data["reason"]) == ("account.paused", status.account_pause_reason)
