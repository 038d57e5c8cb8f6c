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
    return make_stage(recipients_per_request=1, poll_min_s=60.0, poll_horizon_s=600.0)


@pytest.mark.parametrize("many", [False, True])
def test_every_entry_is_acted_upon_once_in_its_order(stage: Stage, many: bool) -> None:
    named, *others = ids = sent(stage, 6)
    make_due(stage, others)
    turn = Slice(stage.services, POLL, POLL_VERB, time.monotonic, many=many)
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


def test_whoever_takes_one_at_a_time_leaves_the_rest_when_its_slice_is_over(stage: Stage) -> None:
    named, *others = sent(stage, 8)
    make_due(stage, others)
    monotonic = Times()
    turn = Slice(stage.services, POLL, POLL_VERB, monotonic)
    seen: list[str] = []

    def act(batch_id: str) -> bool:
        seen.append(batch_id)
        monotonic.now += SLICE_S / 3
        turn.carry_out([])
        return True

    # Two acts take, the third ends after the slice did.
    assert turn.run(named, act) == 3
    assert seen == [named, *others][:3]
    assert due_now(stage) == 5


@pytest.mark.parametrize(("look_s", "at_once"), [(0.0, 7), (0.25, 4), (0.4, 2), (3.0, 1)])
def test_whoever_takes_many_takes_no_more_than_a_second_of_them(stage: Stage, look_s: float, at_once: int) -> None:
    named, *others = sent(stage, 8)
    make_due(stage, others)
    monotonic = Times()
    due: list[int] = []

    def act(_: str) -> bool:
        due.append(due_now(stage))
        monotonic.now += look_s
        return len(due) < 2

    Slice(stage.services, POLL, POLL_VERB, monotonic, many=True).run(named, act)
    assert due == [7, 7 - at_once]


def test_what_is_held_too_long_is_left_to_come_due_again(stage: Stage) -> None:
    """A gateway that begins to hang must not be asked twice about one batch."""
    named, *others = sent(stage, 8)
    make_due(stage, others)
    monotonic = Times()
    seen: list[str] = []

    def act(batch_id: str) -> bool:
        seen.append(batch_id)
        monotonic.now += 0.0 if len(seen) < 3 else AGAIN_MS / 2000
        return True

    assert Slice(stage.services, POLL, POLL_VERB, monotonic, many=True).run(named, act) == 3
    assert seen == [named, *others[:2]]
    later_ms = stage.services.now_ms() + AGAIN_MS
    assert (due_now(stage), stage.services.due.depth(POLL, later_ms)[0]) == (0, 7)


def test_a_batch_that_was_read_long_ago_is_read_anew(stage: Stage) -> None:
    named, *others = sent(stage, 4)
    make_due(stage, others)
    monotonic = Times()
    turn = Slice(stage.services, POLL, POLL_VERB, monotonic, many=True)
    read: list[str] = []

    def act(batch_id: str) -> bool:
        read.append(turn.read_at(batch_id)[1].fields.get("error", ""))
        monotonic.now += 0.0 if len(read) < 3 else 3.0
        for other in others:
            stage.services.store.ask("hset", stage.services.store.keys.batch(other), "error", f"act {len(read)}")
        return True

    assert turn.run(named, act) == 4
    assert read == ["", "act 1", "act 1", "act 3"]


def test_what_is_left_for_later_is_said_once_and_by_the_end_at_last(stage: Stage) -> None:
    named, *others = sent(stage, 4)
    make_due(stage, others)
    turn = Slice(stage.services, POLL, POLL_VERB, time.monotonic, many=True)
    in_2096_ms = 4_000_000_000_000

    def put(batch_id: str) -> ScriptCall:
        return stage.services.due.putting(Entry(POLL_VERB, batch_id), "bulk", in_2096_ms)

    def act(batch_id: str) -> bool:
        if batch_id == others[1]:
            assert [call[2][0] for call in turn.owed()] == [str(Entry(POLL_VERB, others[0]))]
            turn.later([put(others[2])])
            raise ZeroDivisionError
        turn.later([put(batch_id)])
        return True

    with pytest.raises(ZeroDivisionError):
        turn.run(named, act)
    assert turn.owed() == []
    # The first when the others were taken, and the last at the end; what the act took for itself is its own affair.
    entries = stage.services.store.ask("zrangebyscore", stage.services.store.keys.due(POLL), in_2096_ms, "+inf")
    assert entries == [str(Entry(POLL_VERB, batch_id)).encode() for batch_id in (named, others[2])]


def test_the_answers_are_those_of_the_calls_alone(stage: Stage) -> None:
    ids = sent(stage, 3)
    make_due(stage, ids[1:])
    turn = Slice(stage.services, POLL, POLL_VERB, time.monotonic)
    reading: ScriptCall = stage.services.batches.reading(ids[2])

    def act(_: str) -> bool:
        plain = stage.services.store.run_in_turn([reading, reading])
        turn.later([reading])
        answers = turn.carry_out([reading, reading])
        assert [answer[1] for answer in answers] == [answer[1] for answer in plain]
        return True

    assert turn.run(ids[0], act) == 3


def test_a_look_that_finds_nothing_new_takes_one_round_trip(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of its permit. Beside it the named batch is read, others are taken, and read, and there are no more."""
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
    assert len(trips) == 12 + 4
    # And every look said when the next is due.
    due_ms = [
        score
        for _, score in stage.services.store.ask("zrange", stage.services.store.keys.due(POLL), 0, -1, False, True)
    ]
    assert len(due_ms) == 12
    assert min(due_ms) > stage.services.now_ms() + AGAIN_MS + 10_000
