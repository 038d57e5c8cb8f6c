"""Replies, messages without a status, sweeping, the event stream, retirement."""

from __future__ import annotations

import time
from collections.abc import Callable

from campaigns.events import Consumer
from campaigns.flow.scheduling.work import work
from campaigns.names import BULK, POLL
from campaigns.settings import Rate
from tests.support.claims import lose_what_is_due
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


class TestFollowing:
    """Replies, opt-outs, messages without a status, sweeping."""

    def test_replies_are_stored_once_and_marked(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(["375297779908", "375297779910", "375297779913"]))
        stage.finish(campaign)
        stage.until(lambda: len(campaign.replies()) == 4 and stage.sandbox.summary()["unmarked_replies"] == 0)
        assert sorted(r.message for r in campaign.replies()) == ["STOP", "Thank you", "Yes", "СТОП"]
        assert set(stage.services.optouts) == {"375297779908", "375297779913"}
        assert stage.event_types(campaign).count("reply.received") == 4

    def test_no_status_until_the_horizon(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(poll_horizon_s=1.0)
        campaign = stage.enqueue(bulk_job(["375297779903", "375297779904", "375297779906", "375297779912"]))
        stage.finish(campaign)
        assert campaign.status().statuses == {"DELIVERED": 1, "UNKNOWN_FINAL": 3}
        assert campaign.status().awaiting == 0

    def test_unknown_statuses_pass(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(["375297779906"]))
        stage.until(lambda: {word.upper() for word in campaign.status().statuses} == {"PENDING_REVIEW"})

    def test_polls_share_the_limit(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(rate_limit=Rate(20, 1.0), recipients_per_request=1)
        campaign = stage.enqueue(bulk_job(phones(12)))
        stage.finish(campaign)
        assert stage.sandbox.summary()["max_per_second"]["all"] <= 20

    def test_lost_due_entries_are_found_again(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        lose_what_is_due(stage.services.store)
        assert stage.sweep() == 1
        stage.until(lambda: campaign.status().sent == 3)
        lose_what_is_due(stage.services.store)
        assert stage.sweep() == 2
        stage.finish(campaign)

    def test_one_wake_up_polls_all_that_is_due(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=1, poll_min_s=0.001)
        campaign = stage.enqueue(bulk_job(phones(5)))
        assert turn(stage, BULK) == campaign.status().sent == 5
        time.sleep(0.05)
        assert turn(stage, POLL) >= 5

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
        remaining = Consumer(stage.services.store, "slow", claim_idle_ms=1)
        assert len([event.id for event in remaining.events(idle_s=0.2)]) >= whole - 2
        stage.sweep()
        assert len(stage.services.events) <= 1

    def test_retired(self, make_stage: Callable[..., Stage]) -> None:
        """When its time is over nothing of a campaign is left but the event stream and the opt-outs."""
        stage = make_stage(reply_window_s=0.5, retention_s=0.3, key_retention_s=0.3)
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


def turn(stage: Stage, queue: str) -> int:
    """One turn, whose time does not run out on a slow machine. Returns how many things were done."""
    return work(stage.services, queue, overlap=1, patience_s=0, monotonic=lambda: 0.0)


def test_polled_now(make_stage: Callable[..., Stage]) -> None:
    """An operator who cannot wait for the next poll asks for one."""
    stage = make_stage(poll_min_s=30.0, poll_horizon_s=600.0, reply_window_s=600.0)
    campaign = stage.enqueue(bulk_job(["375297779909"]))
    stage.until(lambda: campaign.status().sent == 1)
    stage.until(lambda: stage.sandbox.ledger()[0]["status"] == "READ")
    assert campaign.status().statuses == {}
    assert campaign.poll() == 1
    stage.until(lambda: campaign.status().statuses == {"READ": 1}, timeout_s=3)
    stage.until(lambda: campaign.poll() == 1 and len(campaign.replies()) == 1)
