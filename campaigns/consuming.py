"""Consuming events from application code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from campaigns.results import Consumer, Event
from campaigns.settings import Settings
from campaigns.wiring import consumer_store


def consume(
    group: str,
    *,
    start: str = "0",
    stop: Callable[[], bool] = lambda: False,
    idle_s: float | None = None,
    consumer: str | None = None,
    settings: Settings | None = None,
) -> Iterator[Event]:
    """Events for the consumer group `group`, one by one, until `stop()` is true or nothing came for `idle_s` seconds.

    `deliveries.changed` comes as one `delivery.changed` per phone. An event counts as done when the next is
    asked for; whoever dies before that gets it again, and so does another member of the group after a minute.
    So at least once, in order per campaign while a group has one member: recognise repetitions by `event.id`.
    `start` is for a new group: `0` begins with the oldest event that is kept, `$` with the next one.

    Raises SettingsError and StoreError.
    """
    member = Consumer(consumer_store(settings), group, consumer=consumer)
    member.create_group(start)
    return member.events(stop=stop, idle_s=idle_s)
