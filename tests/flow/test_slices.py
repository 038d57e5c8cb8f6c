"""Slices: every entry once, none kept back, and nothing acted upon that was read too early."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.flow.poll import poll_while_due
from campaigns.flow.slices import AGAIN_MS, SLICE_S, Slice
from campaigns.ledger import POLL_VERB, Entry
from campaigns.names import POLL
from campaigns.store import ScriptCall
from tests.support.jobs import bulk_job
from tests.support.stage import Stage


class Times:
    """A monotonic clock that tests move, seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sent(stage: Stage, number: int) -> list[str]:
    """Batches of one phone apiece, of which the gateway will never say anything but NEW."""
    campaign = stage.enqueue(bulk_job([f"37529{700 + n}9912" for n in range(number)]))
    stage.until(lambda: campaign.status().sent == number)
    return [f"{campaign.id}-{n}" for n in range(number)]


def make_due(stage: Stage, batch_ids: list[str]) -> None:
    """Nothing but these is due to be polled, in their order."""
    key = stage.services.store.keys.due(POLL)
    stage.services.store.ask("delete", key)
    stage.services.store.ask("zadd", key, {str(Entry(POLL_VERB, batch_id)): n for n, batch_id in enumerate(batch_ids)})


def due_now(stage: Stage) -> int:
    return stage.services.due.depth(POLL, stage.services.now_ms())[0]


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """One batch a recipient, and looks so far apart that none comes back within a test."""
    return make_stage(recipients_per_request=1, poll_min_s=30.0, poll_horizon_s=600.0)


@pytest.mark.parametrize("reads_ahead", [False, True])
def test_every_entry_is_acted_upon_once_in_its_order(stage: Stage, reads_ahead: bool) -> None:
    named, *others = ids = sent(stage, 6)
    make_due(stage, others)
    turn = Slice(stage.services, POLL, POLL_VERB, time.monotonic, reads_ahead=reads_ahead)
    seen: list[str] = []

    def act(batch_id: str) -> bool:
        read = turn.read_at(batch_id)[1]
        assert (read.id, read.state) == (batch_id, "accepted")
        seen.append(batch_id)
        # Every second act ends without a round trip of its own.
        return turn.carry_out([]) == [] if len(seen) % 2 else True

    assert turn.run(named, act) == 6
    assert seen == ids
    assert due_now(stage) == 0
    assert stage.services.store.ask("zcard", stage.services.store.keys.due(POLL)) == len(others)


@pytest.mark.parametrize("reads_ahead", [False, True])
def test_at_its_end_a_slice_finishes_what_it_holds_and_leaves_the_rest(stage: Stage, reads_ahead: bool) -> None:
    named, *others = sent(stage, 8)
    make_due(stage, others)
    monotonic = Times()
    turn = Slice(stage.services, POLL, POLL_VERB, monotonic, reads_ahead=reads_ahead)
    seen: list[str] = []

    def act(batch_id: str) -> bool:
        seen.append(batch_id)
        monotonic.now += SLICE_S / 3
        turn.carry_out([])
        return True

    # Two acts take, the third ends after the slice did.
    assert turn.run(named, act) == (4 if reads_ahead else 3)
    assert seen == [named, *others][: len(seen)]
    later = stage.services.now_ms() + AGAIN_MS - 10_000
    assert due_now(stage) == stage.services.due.depth(POLL, later)[0] == 8 - len(seen)


def test_the_answers_are_those_of_the_calls_alone(stage: Stage) -> None:
    ids = sent(stage, 3)
    make_due(stage, ids[1:])
    turn = Slice(stage.services, POLL, POLL_VERB, time.monotonic, reads_ahead=True)
    reading: ScriptCall = stage.services.batches.reading(ids[2])

    def act(_: str) -> bool:
        plain = stage.services.store.run_in_turn([reading, reading])
        answers = turn.carry_out([reading, reading])
        assert [answer[1] for answer in answers] == [answer[1] for answer in plain]
        return True

    assert turn.run(ids[0], act) == 3


def test_a_look_that_finds_nothing_new_takes_two_round_trips(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for its permit, and one that ends it and begins the next. Each slice begins with two more."""
    ids = sent(stage, 12)
    make_due(stage, ids[1:])
    assert poll_while_due(stage.services, ids[0], time.monotonic) == 12
    make_due(stage, ids[1:])
    trips: list[str] = []
    connection = stage.services.store.redis.connection_pool.connection_class

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        trips.append("trip")
        return whole(self, *args, **options)

    whole = connection.send_packed_command
    monkeypatch.setattr(connection, "send_packed_command", counted)
    assert poll_while_due(stage.services, ids[0], time.monotonic) == 12
    assert len(trips) == 2 * 12 + 2


def test_what_was_read_ahead_is_as_new_as_the_end_of_the_act_before(stage: Stage) -> None:
    """Whatever an act does to a batch that is held, the next act sees."""
    ids = sent(stage, 5)
    make_due(stage, ids[1:])
    turn = Slice(stage.services, POLL, POLL_VERB, time.monotonic, reads_ahead=True)
    read: list[tuple[str, str]] = []

    def act(batch_id: str) -> bool:
        batch = turn.read_at(batch_id)[1]
        read.append((batch_id, batch.fields.get("error", "")))
        for other in ids:
            stage.services.store.ask("hset", stage.services.store.keys.batch(other), "error", f"after {batch_id}")
        turn.carry_out([])
        return True

    assert turn.run(ids[0], act) == 5
    assert read == list(zip(ids, ["", *(f"after {batch_id}" for batch_id in ids)], strict=False))
