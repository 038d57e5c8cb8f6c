"""Consumers: at least once, in order, through crashes."""

from __future__ import annotations

import itertools
import time

from campaigns.consume import consume
from campaigns.events import Consumer, Event
from campaigns.results.changes import CHANGES_PER_EVENT
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def test_single_changes(stage: Stage) -> None:
    """Every phone's way comes one by one, each with an id of its own."""
    campaign = stage.enqueue(bulk_job(phones(CHANGES_PER_EVENT + 50)))
    stage.finish(campaign)
    events = list(consume("crm", idle_s=0.2, settings=stage.services.settings))
    assert len({event.id for event in events}) == len(events)
    last: dict[str, str] = {}
    for event in events:
        if event.type == "delivery.changed":
            last[event.data["phone"]] = event.data["status"]
    assert last == dict.fromkeys(phones(CHANGES_PER_EVENT + 50), "READ")
    assert list(consume("crm", idle_s=0.1, settings=stage.services.settings)) == []


def test_two_groups_get_all(stage: Stage) -> None:
    stage.finish(stage.enqueue(bulk_job(phones(2))))
    first, second = (
        [event.id for event in consume(group, idle_s=0.1, settings=stage.services.settings)] for group in ("a", "b")
    )
    assert first == second


def test_a_crash_repeats_what_was_not_done(stage: Stage) -> None:
    """A consumer that dies while it works on an event leaves it to the others."""
    stage.finish(stage.enqueue(bulk_job(phones(3))))
    store = stage.services.store
    dying = Consumer(store, "crm", batch=4)
    dying.create_group()
    seen = [event.id for event in itertools.islice(dying.events(), 3)]
    time.sleep(0.06)
    heir = Consumer(store, "crm", claim_idle_ms=50)
    remaining: list[Event] = list(heir.events(idle_s=0.3))
    assert seen[-1] in {event.id for event in remaining}
    whole = {event.id for event in all_events(stage)}
    assert set(seen) | {event.id for event in remaining} == whole


def all_events(stage: Stage) -> list[Event]:
    return list(consume("fresh", idle_s=0.1, settings=stage.services.settings))


def test_stops_on_request(stage: Stage) -> None:
    stage.finish(stage.enqueue(bulk_job(phones(3))))
    done: list[str] = []
    events = consume("crm", stop=lambda: len(done) >= 2, settings=stage.services.settings)
    done.extend(event.id for event in events)
    assert len(done) == 2
    remaining = [event.id for event in consume("crm", idle_s=0.1, settings=stage.services.settings)]
    assert remaining[0] not in done
    assert set(done) | set(remaining) == {event.id for event in all_events(stage)}


def test_breaking_off_hands_back(stage: Stage) -> None:
    """The event that a loop was left at is not done, and no consumer waits for it."""
    stage.finish(stage.enqueue(bulk_job(phones(3))))
    events = consume("crm", settings=stage.services.settings)
    first = next(events)
    events.close()  # type: ignore[attr-defined]  # it is a generator
    started = time.monotonic()
    assert next(consume("crm", settings=stage.services.settings)).id == first.id
    assert time.monotonic() - started < 5


def test_a_new_group_may_start_with_news(stage: Stage) -> None:
    stage.finish(stage.enqueue(bulk_job(phones(1))))
    assert list(consume("late", since="$", idle_s=0.1, settings=stage.services.settings)) == []
