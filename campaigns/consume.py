"""Consuming events from application code."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

from campaigns.events import Consumer, Event, position_of
from campaigns.settings import Milliseconds, Settings
from campaigns.wiring import consumer_settings, consumer_store


def consume(
    group: str,
    *,
    since: datetime | str = "0",
    stop: Callable[[], bool] = lambda: False,
    idle_s: float | None = None,
    consumer: str | None = None,
    max_deliveries: int = 5,
    settings: Settings | None = None,
) -> Iterator[Event]:
    """Events for the consumer group `group`, one by one, until `stop()` is true or nothing came for `idle_s` seconds.

    `deliveries.changed` comes as one `delivery.changed` per phone. An event counts as done when the next is asked
    for. Until then it is this member's, however long it takes, since a thread gives signs of life; a minute after
    the last sign another member gets it. So at least once: recognise repetitions by `event.id`. In order per
    campaign while the group has one member that keeps its name: give it one by `consumer`.

    An event that was begun `max_deliveries` times and never done goes to the group's dead letters
    (`campaigns events --group GROUP --dead-letters`), and the group goes on. `since` is for a new group: a time
    from which on to read, a position after which to, `0` (the oldest event that is kept) or `$` (only news);
    `campaigns events --group GROUP --rewind TIME` sets one back that exists.

    Raises ValueError for another `since`, SettingsError and StoreError.
    """
    settings = settings or consumer_settings()
    member = Consumer(
        consumer_store(settings),
        group,
        consumer=consumer,
        max_deliveries=max_deliveries,
        dead_letters_life_ms=Milliseconds(settings).retention,
    )
    member.create_group(position_of(since))
    return member.events(stop=stop, idle_s=idle_s)


@contextmanager
def stop_on_signals(*numbers: signal.Signals) -> Iterator[Callable[[], bool]]:
    """`with stop_on_signals() as stopped: for event in consume("crm", stop=stopped): ...`

    SIGTERM and SIGINT, or those given, let the loop end after the event that is being worked on. Handlers are
    installed when the block begins and restored when it ends; only the main thread may do that.
    """
    signals: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        signals.append(number)

    before = {number: signal.signal(number, note) for number in numbers or (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
