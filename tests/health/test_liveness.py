"""When work counts as overdue: no worker takes it, although beat rings for it."""

from __future__ import annotations

import pytest

from campaigns.health.liveness import overdue
from campaigns.ledger.due import Entry
from campaigns.names import BULK, CONTROL, QUEUES
from campaigns.store.commands import Redis
from tests.support.stage import Stage


def ticks(stage: Stage, first_s_ago: float, last_s_ago: float) -> None:
    store, now_ms = stage.services.store, stage.services.now_ms()
    span = f"{now_ms - round(first_s_ago * 1000)}|{now_ms - round(last_s_ago * 1000)}"
    store.ask(Redis.hset, store.keys.beats(), "host/1", span)


def due_for(stage: Stage, seconds: float) -> None:
    stage.services.due.put_control(Entry("end", "c"), stage.services.now_ms() - round(seconds * 1000))


def test_work_that_no_worker_takes(stage: Stage) -> None:
    due_for(stage, 130)
    ticks(stage, 500, 1)
    late = overdue(stage.services.store, QUEUES, 120)
    assert late is not None
    assert late.queue == CONTROL
    assert 130 <= late.for_s < 140
    assert overdue(stage.services.store, [BULK], 120) is None


@pytest.mark.parametrize(
    ("due_s", "first_s", "last_s"),
    [(110, 500, 1), (130, 500, 60), (130, 110, 1), (-5, 500, 1)],
    ids=["not for long", "beat is gone", "beat has just come back", "not due"],
)
def test_what_is_no_workers_fault(stage: Stage, due_s: float, first_s: float, last_s: float) -> None:
    due_for(stage, due_s)
    ticks(stage, first_s, last_s)
    assert overdue(stage.services.store, QUEUES, 120) is None


def test_without_any_beat(stage: Stage) -> None:
    due_for(stage, 1000)
    assert overdue(stage.services.store, QUEUES, 120) is None
