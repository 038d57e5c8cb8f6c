"""Members of a group: no event in two hands while both live, in order, and none that is gone stays listed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from campaigns.events import Consumer, Event, Groups
from campaigns.events.members import Member
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def member(store: Store, name: str, **more: Any) -> Consumer:
    consumer = Consumer(store, "crm", consumer=name, **{"claim_idle_ms": 200, **more})
    consumer.create_group()
    return consumer


def begun(consumer: Consumer) -> tuple[Any, Event]:
    """A loop that is at its first event."""
    loop = consumer.events(idle_s=0.1)
    return loop, next(loop)


@pytest.fixture
def store(stage: Stage) -> Iterator[Store]:
    """One with some events."""
    stage.finish(stage.enqueue(bulk_job(phones(3))))
    return stage.services.store


def listed(store: Store) -> set[str]:
    return {found["name"].decode() for found in store.ask(Redis.xinfo_consumers, store.keys.events(), "crm")}


def pending_of(store: Store, name: str) -> int:
    return len(store.ask(Redis.xpending_range, store.keys.events(), "crm", "-", "+", 100, name))


class TestRenewal:
    def test_work_that_takes_long_stays_with_its_member(self, store: Store) -> None:
        """No other member gets what it works on, nor what it has fetched beside it."""
        loop, _ = begun(member(store, "slow"))
        with closing(loop):
            time.sleep(0.5)
            assert list(member(store, "other").events(idle_s=0.3)) == []

    def test_a_frozen_member_lets_go_of_what_others_have_claimed(self, store: Store) -> None:
        """What it had fetched and not begun it does not begin any more; what it worked on it cannot acknowledge."""
        frozen_s = 0.0
        frozen = member(store, "frozen", claim_idle_ms=3_600_000, clock=lambda: time.monotonic() + frozen_s)
        loop, first = begun(frozen)
        with closing(loop):
            others = list(member(store, "other", claim_idle_ms=0).events(idle_s=0.1))
            assert others[0].id == first.id
            frozen_s = 3_600.0
            assert list(loop) == []

    def test_an_acknowledgement_counts_from_whose_it_is(self, store: Store) -> None:
        late, first = begun(member(store, "late", claim_idle_ms=3_600_000))
        heir, same = begun(member(store, "heir", claim_idle_ms=0))
        assert same.id == first.id
        next(late)
        held = pending_of(store, "heir")
        late.close()
        assert (held, pending_of(store, "heir")) == (1, 1)
        heir.close()

    def test_a_late_rejection_is_none(self, store: Store) -> None:
        late = member(store, "late", claim_idle_ms=3_600_000)
        loop, first = begun(late)
        with closing(loop), closing(begun(member(store, "heir", claim_idle_ms=0))[0]):
            late.reject(first, "no such customer")
            assert list(Groups(store).dead_letters("crm")) == []
            assert pending_of(store, "heir") == 1

    def test_handing_back_leaves_what_others_have(self, store: Store) -> None:
        late, _ = begun(member(store, "late", claim_idle_ms=3_600_000))
        with closing(begun(member(store, "heir", claim_idle_ms=0))[0]):
            late.close()
            assert pending_of(store, "heir") == 1

    def test_no_thread_is_left(self, store: Store) -> None:
        list(member(store, "one").events(idle_s=0.05))
        assert "campaigns-consumer" not in {thread.name for thread in threading.enumerate()}


class TestOrder:
    def test_an_answer_that_was_lost(self, stage: Stage, store: Store) -> None:
        """The client asks again and gets what comes after it; what the lost answer brought is worked off first."""
        consumer = member(store, "one", batch=2, claim_idle_ms=60_000)
        seen = []
        for number, event in enumerate(consumer.events(idle_s=0.1)):
            seen.append(event)
            if number == 3:
                store.ask(Redis.xreadgroup, "crm", "one", {store.keys.events(): ">"}, 2, None)
        assert [event.position for event in seen] == sorted(event.position for event in seen)
        assert list(dict.fromkeys(event.position for event in seen)) == positions(store)

    def test_the_first_answer_of_all(self, store: Store) -> None:
        consumer = member(store, "one", batch=2)
        store.ask(Redis.xreadgroup, "crm", "one", {store.keys.events(): ">"}, 3, None)
        assert list(dict.fromkeys(event.position for event in consumer.events(idle_s=0.1))) == positions(store)


def positions(store: Store) -> list[str]:
    return [position.decode() for position, _ in store.ask(Redis.xrange, store.keys.events(), "-", "+")]


class TestMembersThatAreGone:
    def test_one_that_ended(self, store: Store) -> None:
        list(member(store, "one").events(idle_s=0.05))
        assert listed(store) == set()

    def test_one_that_ended_at_an_event(self, store: Store) -> None:
        """It stays listed while what it held waits for an heir, and no event is lost with it."""
        list(itertools.islice(member(store, "one").events(), 1))
        assert listed(store) == {"one"}
        ids = [event.position for event in member(store, "two", claim_idle_ms=1).events(idle_s=0.1)]
        assert set(ids) == set(positions(store))

    def test_one_that_was_killed(self, stage: Stage, store: Store) -> None:
        """Another removes it once it has held nothing for long; not before, and never one that holds something."""
        member(store, "x")
        store.ask(Redis.xgroup_createconsumer, store.keys.events(), "crm", "killed")
        store.ask(Redis.xreadgroup, "crm", "busy", {store.keys.events(): ">"}, 1, None)
        time.sleep(0.02)
        remove = ("remove_members", [store.keys.events()])
        assert store.run(*remove, ["crm", 3_600_000]) == 0
        assert store.run(*remove, ["crm", 10]) == 1
        assert listed(store) == {"busy"}

    def test_one_of_very_many(self, store: Store) -> None:
        """It leaves without listing all the others."""
        member(store, "x")
        for name in ("one", "two"):
            store.ask(Redis.xgroup_createconsumer, store.keys.events(), "crm", name)
        before = listings(store)
        Member(store, "crm", "one", claim_idle_ms=200, dead_letters_life_ms=1000).leave()
        assert listings(store) == before
        assert listed(store) == {"two"}


def listings(store: Store) -> int:
    """How often the server listed all groups or all members of one."""
    stats = store.ask(Redis.info, "commandstats")
    return sum(about["calls"] for name, about in stats.items() if name.startswith("cmdstat_xinfo"))
