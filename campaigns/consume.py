"""Consuming events from an application."""

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
    """Iterate over the events of the consumer group `group`.

    Stops when `stop()` is true, or when no event has come for `idle_s` seconds (None: never). A `deliveries.changed`
    entry comes as one `delivery.changed` event per phone.

    Events are delivered at least once, so recognise repetitions by `event.id`. An event is acknowledged when the next
    one is requested. Until then it belongs to this member for any length of time: a thread renews the claim, and
    another member gets the event a minute after the last renewal. Events of a campaign come in order while the group
    has one member, which keeps its name across restarts: pass it as `consumer`.

    An event that was delivered `max_deliveries` times and never acknowledged becomes a dead letter of the group
    (`campaigns events --group GROUP --dead-letters`), and the next event follows. `since` applies to a new group: a
    time to read from, a position to read after, `0` for the oldest event in the stream, or `$` for new events only.
    To set an existing group back, run `campaigns events --group GROUP --rewind TIME`.

    Raises ValueError for a `group` without a name and for another `since`, SettingsError, and StoreError.
    """
    if not group.strip():
        raise ValueError("the group must have a name, which its members share")
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
    """End a loop on a signal: `with stop_on_signals() as stopped: for event in consume("crm", stop=stopped): ...`

    On SIGTERM or SIGINT, or on one of `numbers`, the loop ends after the current event. The handlers are installed
    when the block begins and restored when it ends. Raises ValueError outside the main thread.
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
