"""Calls that share a round trip, and what their replies hold."""

from __future__ import annotations

import pytest

from campaigns.errors import StoreError
from campaigns.ledger.due import Due, Entry
from campaigns.store.calls import Call, Calls, nothing
from campaigns.store.client import Store


def due_call(store: Store, name: str) -> Call[int]:
    """Makes an entry due; it returns 1 if the entry stood nowhere before."""
    return Due(store).put_call([(Entry("lease", name), _Route(), 1000)])


class _Route:
    kind, account = "bulk", "default"


def test_replies_have_the_types_and_the_order_of_their_calls(store: Store) -> None:
    calls = Calls()
    first, again = calls.add(due_call(store, "c-0")), calls.add(due_call(store, "c-0"))
    calls.run(store)
    assert (first.value, again.value) == (1, 0)


def test_a_reply_has_no_value_before_its_round_trip(store: Store) -> None:
    reply = Calls().add(due_call(store, "c-0"))
    with pytest.raises(RuntimeError):
        _ = reply.value


def test_others_calls_are_filled_by_the_round_trip_that_carries_them(store: Store) -> None:
    own, others = Calls(due_call(store, "c-0")), Calls()
    reply = others.add(due_call(store, "c-1"))
    own.extend(others)
    own.run(store)
    assert reply.value == 1


def test_a_round_trip_that_failed_can_be_repeated(store: Store) -> None:
    calls = Calls()
    reply = calls.add(due_call(store, "c-0"))
    broken = Calls(Call("read_groups", [], [], nothing))  # without its keys
    broken.extend(calls)
    with pytest.raises(StoreError):
        broken.run(store)
    with pytest.raises(RuntimeError):
        _ = reply.value
    calls.run(store)
    assert reply.value == 0


def test_without_replicas_nothing_is_waited_for(store: Store) -> None:
    calls = Calls()
    reply = calls.add(due_call(store, "c-0"))
    assert calls.run_replicated(store)
    assert reply.value == 1
