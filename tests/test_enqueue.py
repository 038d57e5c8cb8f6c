"""What is stored of a job, what is not, and how a campaign is steered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.errors import (
    JobError,
    KeyConflictError,
    StateError,
    StoreError,
    UnknownCampaignError,
    WaitTimeoutError,
)
from campaigns.ledger import Campaigns
from campaigns.preview import preview
from campaigns.sandbox.server import Sandbox
from campaigns.store.embedded import EmbeddedServer
from tests.support.claims import send
from tests.support.clocks import Late
from tests.support.jobs import bulk_job, personal_job, phones, sample_job
from tests.support.settings import fast_settings
from tests.support.stage import Stage


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

    def test_a_stream_whose_key_another_process_has_just_taken(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is read only once it is known whose the key is: a stream can be read once."""
        job = bulk_job([])
        del job["messages"][0]["delivery_list"]
        first = stage.enqueue(job, recipients=iter(phones(3)), key="order-1")
        monkeypatch.setattr(Campaigns, "of_key", lambda *_: None)
        assert stage.enqueue(job, recipients=iter(phones(3)), key="order-1") == first

    def test_same_key_after_its_time_has_passed(self, make_stage: Callable[..., Stage]) -> None:
        """The time that passed meanwhile does not make another job of it."""
        stage = make_stage()
        job = sample_job(schedule="2040-10-30T22:56:00")
        first = stage.enqueue(job, key="later")
        late = replace(stage.services, store=Late(stage.services.store))
        with pytest.raises(JobError, match="in the past"):
            enqueue(late, job, key="another")
        assert enqueue(late, job, key="later") == first

    def test_a_key_is_text_or_a_number(self, stage: Stage) -> None:
        first = stage.enqueue(bulk_job(phones(3)), key=12345)
        assert stage.enqueue({**bulk_job(phones(3)), "key": "12345"}) == first
        for key in ("", " ", True, 1.5, "x" * 256, "\ud83d", 2**64):
            with pytest.raises(JobError, match="key"):
                stage.enqueue(bulk_job(phones(3)), key=key)
        with pytest.raises(JobError, match="differs between"):
            stage.enqueue({**bulk_job(phones(3)), "key": "a"}, key="b")

    def test_the_preview_refuses_what_enqueueing_refuses(self, stage: Stage) -> None:
        for call in (stage.enqueue, partial(preview, stage.services)):
            with pytest.raises(JobError, match="set CAMPAIGNS_MESSAGE_COST"):
                call(bulk_job(phones(1), max_cost="5"))
        assert_nothing_stored(stage)

    def test_a_stream_with_half_an_emoji(self, stage: Stage) -> None:
        job = bulk_job([])
        del job["messages"][0]["delivery_list"]
        with pytest.raises(JobError, match="half a character"):
            stage.enqueue(job, recipients=iter([*phones(3), "\ud83d"]))
        assert_nothing_stored(stage)

    def test_excluded_and_listed(self, stage: Stage) -> None:
        good = phones(2)
        stage.services.optouts.add([good[1]])
        campaign = stage.enqueue(bulk_job([*good, good[0], "not a phone"]))
        stage.finish(campaign)
        assert sorted((one.reason, one.place, one.phone) for one in campaign.excluded()) == [
            ("duplicate", "messages[0].delivery_list[2]", good[0]),
            ("invalid", "messages[0].delivery_list[3]", "not a phone"),
            ("opted_out", "messages[0].delivery_list[1]", good[1]),
        ]
        assert [row["phone"] for row in stage.sandbox.ledger()] == [good[0]]

    def test_every_recipient_is_excluded(self, stage: Stage) -> None:
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
        with pytest.raises(JobError, match="max_cost: cannot be checked: set CAMPAIGNS_MESSAGE_COST"):
            stage.enqueue(bulk_job(phones(3), max_cost="0.1"))


class TestSteering:
    """Pause, resume, cancel."""

    def test_pause_and_resume(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        campaign.pause()
        stage.step()
        assert stage.sandbox.ledger() == []
        assert campaign.status().state == "paused"
        campaign.resume()
        stage.finish(campaign)
        assert len(stage.sandbox.ledger()) == 3

    def test_cancel(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=2)
        campaign = stage.enqueue(bulk_job(phones(6)))
        first = stage.services.batches.read(f"{campaign.id}-0")
        send(stage.services, first.id)
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
                act(Campaign.of(stage.services, "nope"))

    def test_wait(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        with pytest.raises(WaitTimeoutError):
            campaign.wait(0.05, poll_s=0.01)
        stage.finish(campaign)
        assert campaign.wait(1).state == "finished"

    def test_wait_outlives_a_restart_of_the_store(self, sandbox: Sandbox, prefix: str) -> None:
        with EmbeddedServer() as own:
            stage = Stage(fast_settings(own.url, sandbox.url, prefix), sandbox)
            campaign = stage.enqueue(bulk_job(phones(1)))
            campaign.cancel()
            own.kill()
            with pytest.raises(StoreError):
                campaign.status_after_restart(patience_s=0)
            restart = threading.Timer(1.5, own.restart)
            restart.start()
            assert campaign.wait().state == "cancelled"
            restart.join()


def assert_nothing_stored(stage: Stage) -> None:
    keys = stage.services.store.keys
    assert set(stage.services.store.redis.scan_iter(match=keys.prefix + "*")) <= {keys.layout().encode()}
