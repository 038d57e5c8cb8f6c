"""Accounts and campaigns take turns within their limits, and no worker is woken in vain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from campaigns.flow.scheduling.dispatch import UNANSWERED_MS, dispatch, ring
from campaigns.flow.scheduling.work import work
from campaigns.flow.turn import TURN_S
from campaigns.health.heartbeats import consuming
from campaigns.ledger import Claim
from campaigns.names import BULK, CONTROL, POLL, QUEUES, QUICK, REPLIES
from campaigns.settings import Rate, Secret
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.settings import TOKEN
from tests.support.stage import Stage


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """One batch a recipient, and polls so far apart that none comes back within a test."""
    return make_stage(
        recipients_per_request=1,
        poll_min_s=60.0,
        poll_horizon_s=600.0,
        accounts={"default": Secret(TOKEN), "shop": Secret(TOKEN)},
    )


def take(stage: Stage, queue: str, most: int, worker: str = "w") -> list[str]:
    """The batches that one call of a turn claims."""
    turn = stage.services.turns.begin(queue, worker, 0)
    taken = turn.take_call(most, 0).run(stage.services.store).taken
    return [one.batch.id for one in taken if isinstance(one, Claim)]


class TestOrder:
    """Who is taken next."""

    def test_a_small_campaign_does_not_wait_for_all_of_a_huge_one(self, stage: Stage) -> None:
        huge = stage.enqueue(bulk_job(phones(40)))
        assert take(stage, BULK, 8) == [f"{huge.id}-{n}" for n in range(8)]
        small = stage.enqueue(bulk_job(phones(3)))
        first = take(stage, BULK, 8)
        assert [batch for batch in first if batch.startswith(small.id)] == [f"{small.id}-{n}" for n in range(3)]

    def test_accounts_take_turns(self, stage: Stage) -> None:
        stage.enqueue(bulk_job(phones(40)))
        assert len(take(stage, BULK, 4)) == 4
        other = stage.enqueue(bulk_job(phones(2), account="shop"))
        assert {f"{other.id}-0", f"{other.id}-1"} < {*take(stage, BULK, 4), *take(stage, BULK, 4)}

    def test_an_account_that_cannot_act_holds_up_no_other(self, stage: Stage) -> None:
        waiting = stage.enqueue(bulk_job(phones(20)))
        stage.services.limiter.pause("default", 600, "no money", paid_only=True)
        other = stage.enqueue(bulk_job(phones(3), account="shop"))
        stage.step()
        assert (other.status().sent, waiting.status().sent) == (3, 0)
        stage.services.limiter.resume("default")
        stage.step()
        assert waiting.status().sent == 20

    def test_a_campaign_that_is_paused_and_resumed_goes_on_where_it_was(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(6)))
        taken = take(stage, BULK, 2)
        campaign.pause()
        assert take(stage, BULK, 4) == []
        campaign.resume()
        assert taken + take(stage, BULK, 8) == [f"{campaign.id}-{n}" for n in range(6)]

    def test_what_came_back_is_taken_again(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.services.limiter.pause("default", 600, "x", paid_only=True)
        stage.step()
        assert campaign.status().recipients["planned"] == 3
        stage.services.limiter.resume("default")
        stage.step()
        assert campaign.status().sent == 3


class TestLimit:
    """An account at its limit."""

    def test_it_is_taken_as_its_limit_lets_it(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=1, rate_limit=Rate(10, 0.5), poll_min_s=60.0)
        campaign = stage.enqueue(bulk_job(phones(12)))
        while campaign.status().sent < 12:
            work(stage.services, BULK)
        assert stage.sandbox.summary()["max_per_second"]["all"] <= 20

    def test_polls_and_replies_share_what_it_may_read(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=1, poll_min_s=0.001, poll_horizon_s=600.0)
        campaign = stage.enqueue(bulk_job([f"37529{700 + n}9912" for n in range(30)]))
        work(stage.services, BULK, overlap=1, patience_s=0)
        assert campaign.status().sent == 30
        time.sleep(0.05)
        limited = make_stage(rate_limit=Rate(20, 1.0), poll_min_s=60.0, poll_horizon_s=600.0)
        done = {POLL: 0, REPLIES: 0}

        def follow(queue: str) -> None:
            done[queue] = work(limited.services, queue)

        threads = [threading.Thread(target=follow, args=(queue,)) for queue in done]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert min(done.values()) >= 4


class TestBells:
    """As many as workers can answer."""

    def test_one_is_rung_for_a_thousand_jobs(self, stage: Stage) -> None:
        for number in range(20):
            stage.enqueue(quick_job(f"3752970000{number:02}"))
        assert stage.bells == [QUICK]

    def test_a_lost_one_is_made_good_after_a_second(self, stage: Stage) -> None:
        stage.enqueue(quick_job("375297000001"))
        assert dispatch(stage.services) <= 1
        assert QUICK not in stage.bells[1:]
        time.sleep(UNANSWERED_MS / 1000 + 0.1)
        dispatch(stage.services)
        assert stage.bells.count(QUICK) == 2

    def test_none_is_rung_while_all_workers_are_busy(self, stage: Stage) -> None:
        """The next that is free answers the one that is out."""
        consuming(stage.services.store, list(QUEUES), worker="w", slots=1)
        stage.enqueue(bulk_job(phones(3)))
        assert len(take(stage, BULK, 2)) == 2
        stage.enqueue(quick_job("375297000001"))
        time.sleep(UNANSWERED_MS / 1000 + 0.1)
        before = list(stage.bells)
        dispatch(stage.services)
        assert stage.bells == before

    def test_none_is_rung_where_nothing_is_due(self, stage: Stage) -> None:
        ring(stage.services, QUICK)
        dispatch(stage.services)
        assert stage.bells in ([], [CONTROL])

    def test_who_ends_its_turn_before_all_is_done_rings_for_the_next(self, stage: Stage) -> None:
        stage.sandbox.fault("slow", "sendBulkViber", times=1000, delay_s=0.4)
        stage.enqueue(bulk_job(phones(40)))
        stage.bells.clear()
        assert work(stage.services, BULK, overlap=2) < 40
        assert BULK in stage.bells

    def test_a_turn_ends_where_another_does_what_is_left(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(recipients_per_request=1, rate_limit=Rate(1, 60.0))
        stage.enqueue(bulk_job(phones(3)))
        began = time.monotonic()
        assert work(stage.services, BULK) == 1
        assert time.monotonic() - began < TURN_S
