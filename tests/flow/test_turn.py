"""One turn of a worker: its requests overlap, its calls of the store keep apart, and no answer is lost."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from campaigns.errors import StoreError
from campaigns.flow.scheduling.stream_room import TRIM_ENTRY
from campaigns.flow.scheduling.sweep import SWEEP_ENTRY
from campaigns.flow.scheduling.work import work
from campaigns.flow.turn import GATHER_S, NOTHING_TO_WRITE, Pace, Work, WorkerTurn
from campaigns.ledger import POLL_VERB, Entry
from campaigns.names import BULK, CONTROL, POLL, QUICK
from campaigns.store.client import ScriptCall, Store
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """One batch a recipient."""
    return make_stage(recipients_per_request=1)


class TestOverlap:
    """Requests that wait for the gateway overlap."""

    def test_a_slow_gateway_is_asked_side_by_side(self, stage: Stage) -> None:
        stage.sandbox.fault("slow", "sendBulkViber", times=100, delay_s=0.3)
        campaign = stage.enqueue(bulk_job(phones(8)))
        began = time.monotonic()
        assert work(stage.services, BULK, overlap=8) == 8
        assert campaign.status().sent == 8
        assert time.monotonic() - began < 0.3 * 8

    @pytest.mark.timeout(30)
    @pytest.mark.parametrize("most", [0, 1])
    def test_no_further_thread_can_start(self, stage: Stage, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        """A limit of processes was reached: the thread of the turn makes the requests itself, and none twice."""
        start, started = Thread.start, itertools.count(1)

        def limited(thread: Thread) -> None:
            if thread.name == "waiting" and next(started) > most:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(Thread, "start", limited)
        campaign = stage.enqueue(bulk_job(phones(8)))
        assert work(stage.services, BULK, overlap=8, patience_s=0) == 8
        assert campaign.status().sent == 8
        assert len(stage.sandbox.ledger()) == 8

    def test_what_goes_wrong_with_one_keeps_no_other_from_being_written(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        gateway, calls = stage.services.gateway, iter(range(100))

        def broken(account: str) -> object:
            if next(calls) == 1:
                raise RuntimeError("broken")
            return gateway(account)

        with pytest.raises(RuntimeError, match="broken"):
            work(replace(stage.services, gateway=broken), BULK, overlap=1, patience_s=0)  # type: ignore[arg-type]
        assert campaign.status().sent == 2
        assert campaign.status().recipients["sending"] == 1

    def test_what_could_not_be_written_is_written_at_the_end(self, stage: Stage) -> None:
        """The gateway has answered, and the store is away at that moment: the answers are not thrown away."""
        campaign = stage.enqueue(bulk_job(phones(3)))
        away = AwayOnce(stage.services.store)
        with pytest.raises(StoreError):
            work(replace(stage.services, store=away), BULK, overlap=4, patience_s=0)  # type: ignore[arg-type]
        assert away.failed
        assert campaign.status().sent == 3


def test_how_long_a_turn_sleeps_is_asked_for_after_its_work(stage: Stage) -> None:
    """What was said before the work is old by then, also where the work has nothing to write."""
    now_ms, slept = stage.services.now_ms(), list[float]()
    stage.services.due.put_control(SWEEP_ENTRY, now_ms)
    stage.services.due.put_control(TRIM_ENTRY, now_ms + 600)

    def act(_taken: Any, _began_at_s: float) -> Work:
        time.sleep(0.4)
        return NOTHING_TO_WRITE

    services = replace(stage.services, sleep=lambda seconds: (slept.append(seconds), time.sleep(seconds))[1])
    WorkerTurn(services, CONTROL, act, worker="w", overlap=1, most=8).run()
    assert slept
    assert slept[0] < 0.3


class AwayOnce:
    """A store that cannot be reached when the first batch is to be moved."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def run_in_turn(self, calls: Sequence[ScriptCall]) -> list[Any]:
        if not self.failed and any(name == "move_batch" for name, *_ in calls):
            self.failed = True
            raise StoreError("away")
        return self._store.run_in_turn(calls)


class TestPace:
    """Calls of a busy turn are kept apart; one after a pause goes out at once."""

    def pace_of(self, *moments_s: float) -> list[float]:
        """For how long the next call would wait, right after each of these calls."""
        now_s = [0.0]
        pace, waits = Pace(lambda: now_s[0]), []
        for now_s[0] in moments_s:
            pace.called()
            waits.append(pace.left_s)
        return waits

    def test_calls_that_come_slowly_never_wait(self) -> None:
        assert self.pace_of(0, 1, 1.05, 1.1, 1.15) == [0, 0, 0, 0, 0]

    def test_the_third_of_calls_in_a_row_waits(self) -> None:
        assert self.pace_of(5, 5.003) == [0, pytest.approx(GATHER_S)]

    def test_it_goes_on_while_calls_come_as_fast_as_they_may(self) -> None:
        moments = [5, 5.003, *(5.003 + GATHER_S * n for n in range(1, 5))]
        assert self.pace_of(*moments)[1:] == [pytest.approx(GATHER_S)] * 5

    def test_single_messages_share_calls(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """A producer hands them in one after the other while a turn sends them."""
        calls_s: list[float] = []
        original = Store.run_in_turn

        def noted(store: Store, calls: Sequence[ScriptCall]) -> list[Any]:
            if any(name == "take_sends" for name, *_ in calls):
                calls_s.append(time.monotonic())
            return original(store, calls)

        monkeypatch.setattr(Store, "run_in_turn", noted)
        jobs = [quick_job(f"3752970001{number:02}", follow="none", replies=False) for number in range(100)]
        stage.enqueue(jobs[0])
        producer = Thread(target=lambda: [stage.enqueue(job) for job in jobs[1:]])
        producer.start()
        while len(stage.sandbox.ledger()) < len(jobs):
            work(stage.services, QUICK, overlap=32)
        producer.join()
        close = [one for one, other in itertools.pairwise(calls_s) if other - one < GATHER_S / 2]
        assert len(close) < len(calls_s) / 3


def test_an_answer_that_was_lost_is_given_again(stage: Stage) -> None:
    """The client repeats a call whose answer did not come: what it took is not left to its lease."""
    campaign = stage.enqueue(bulk_job(phones(3)))
    turn = stage.services.turns.begin(BULK, "w", 0)
    call = turn.take_call(2, 0)
    first, second = (call.run(stage.services.store).taken for _ in range(2))
    assert [claim.batch.id for claim in first] == [claim.batch.id for claim in second]
    assert [claim.fence for claim in first] == [claim.fence for claim in second]
    assert campaign.status().recipients["sending"] == 2


def test_a_read_that_was_lost_is_given_again(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(1)))
    stage.send(f"{campaign.id}-0")
    batch = stage.services.batches.read(f"{campaign.id}-0")
    stage.services.due.put(Entry(POLL_VERB, batch.id), batch, 0)
    turn = stage.services.turns.begin(POLL, "w", 0)
    call = turn.take_call(2, 0)
    first, second = (call.run(stage.services.store).taken for _ in range(2))
    assert [(taken.entry, taken.permit_id) for taken in first] == [(taken.entry, taken.permit_id) for taken in second]
    assert [taken.batch.id for taken in first] == [batch.id]
