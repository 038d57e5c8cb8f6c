"""When a campaign may go out: at its own rate, by its weight, and not long before its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from campaigns.errors import JobError
from campaigns.ledger import Claim
from campaigns.names import BULK
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.wiring import build_services
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage


def take(stage: Stage, most: int) -> list[str]:
    """The campaigns of the batches that one call of a turn claims, in their order."""
    turn = stage.services.turns.begin(BULK, "w", 0)
    taken = turn.take_call(most, 0).run(stage.services.store).taken
    return [one.batch.campaign_id for one in taken if isinstance(one, Claim)]


class TestRate:
    """A job may ask for a rate of its own."""

    def test_it_is_kept_to(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=2)
        campaign = stage.enqueue({**bulk_job(phones(8)), "rate": "10/second"})
        began = time.monotonic()
        stage.until(lambda: campaign.status().sent == 8)
        # The first two at once, then two every fifth of a second.
        assert time.monotonic() - began >= 0.6

    def test_others_of_the_account_do_not_wait(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=1)
        slow = stage.enqueue({**bulk_job(phones(5)), "rate": "1/hour"})
        other = stage.enqueue(bulk_job(phones(5)))
        stage.step()
        assert (slow.status().sent, other.status().sent) == (1, 5)

    @pytest.mark.parametrize("rate", ["fast", "10", "0/second", "10/week", 10, "-1/hour", ""])
    def test_what_is_none(self, stage: Stage, rate: object) -> None:
        with pytest.raises(JobError, match="rate: must be recipients per second, minute, hour or day"):
            stage.enqueue({**bulk_job(phones(1)), "rate": rate})


class TestWeight:
    """Campaigns of an account share its limit by weight."""

    def test_three_to_one(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=1)
        heavy = stage.enqueue({**bulk_job(phones(30)), "weight": 3})
        light = stage.enqueue(bulk_job(phones(30)))
        taken = take(stage, 12)
        assert (taken.count(heavy.id), taken.count(light.id)) == (9, 3)

    @pytest.mark.parametrize("weight", [0, 101, "heavy"])
    def test_what_is_none(self, stage: Stage, weight: object) -> None:
        with pytest.raises(JobError, match="weight: must"):
            stage.enqueue({**quick_job(*phones(1)), "weight": weight})


class TestSchedule:
    """What is scheduled stays here until a while before its time: the gateway cannot take it back."""

    @pytest.fixture
    def stage(self, make_stage: Callable[..., Stage]) -> Stage:
        stage = make_stage(schedule_lead_s=60.0)
        self.moved_ms = 0
        store = Store(
            stage.services.store.redis,
            stage.services.store.keys,
            now_ms=lambda: time.time_ns() // 1_000_000 + self.moved_ms,
        )
        stage.services = build_services(stage.services.settings, store=store, ring=stage._ring)
        return stage

    def later(self, seconds: float) -> str:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()

    def scheduled(self, stage: Stage, kind: str) -> tuple[object, str]:
        when = self.later(600)
        if kind == "list":
            return stage.enqueue(list_job(1, d_schedule=when)), when
        job = bulk_job(phones(3))
        job["messages"][0]["schedule_time"] = when
        return stage.enqueue(job), when

    @pytest.mark.parametrize("kind", ["bulk", "list"])
    def test_it_waits_here(self, stage: Stage, kind: str) -> None:
        campaign, _ = self.scheduled(stage, kind)
        stage.step()
        status = campaign.status()
        assert (status.requests["planned"], status.out_of_reach) == (1, 0)
        assert len(status.scheduled_at) == 1
        self.moved_ms = 530_000
        stage.step()
        assert campaign.status().requests["planned"] == 1
        self.moved_ms = 545_000
        stage.step()
        assert campaign.status().requests["accepted"] == 1

    def test_cancel_reaches_all_of_it(self, stage: Stage) -> None:
        campaign, _ = self.scheduled(stage, "bulk")
        campaign.cancel()
        self.moved_ms = 700_000
        stage.step()
        assert campaign.status().recipients["cancelled"] == 3
        assert stage.sandbox.ledger() == []

    def test_an_opt_out_reaches_it(self, stage: Stage) -> None:
        campaign, _ = self.scheduled(stage, "bulk")
        stage.services.optouts.add(phones(1))
        self.moved_ms = 545_000
        stage.until(lambda: campaign.status().sent == 2)

    @pytest.mark.parametrize("kind", ["bulk", "list"])
    def test_what_was_paused_past_its_time_goes_out_at_once(self, stage: Stage, kind: str) -> None:
        campaign, _ = self.scheduled(stage, kind)
        campaign.pause()
        stage.step()
        self.moved_ms = 700_000
        stage.step()
        assert campaign.status().requests["planned"] == 1
        campaign.resume()
        stage.step()
        assert campaign.status().requests["accepted"] == 1
        assert {row["status"] for row in stage.sandbox.ledger()} != set()

    def test_its_request_outlives_the_wait(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(schedule_lead_s=60.0, body_retention_s=100.0)
        campaign, _ = self.scheduled(stage, "bulk")
        life_ms = stage.services.store.ask(Redis.pttl, stage.services.store.keys.body(f"{campaign.id}-0"))
        assert 635_000 < life_ms <= 640_000


def test_the_same_job_at_another_rate_is_another_job(stage: Stage) -> None:
    job = bulk_job(phones(1))
    digests = set()
    for more in ({}, {"rate": "1/hour"}, {"rate": "2/hour"}, {"weight": 2}):
        campaign = stage.enqueue({**job, **more})
        digests.add(stage.services.campaigns.read(campaign.id).fields["digest"])
    assert len(digests) == 4
    assert orjson.loads(stage.services.campaigns.read(campaign.id).fields["job"])["weight"] == 2
