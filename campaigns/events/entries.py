"""Entries of the event stream that name a phone, and which entries every group has done with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from campaigns.events.stream import Event, read_entry
from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_READ = 200


def naming(store: Store, phone: str) -> Iterator[Event]:
    """Every event that is kept and names the phone. Reads the whole stream."""
    quoted, start = f'"{phone}"'.encode(), "-"
    while entries := store.ask(Redis.xrange, store.keys.events(), start, "+", _PER_READ):
        for position, fields in entries:
            if quoted in fields.get(b"data", b""):
                # What others wrote into the stream is theirs.
                with suppress(KeyError, ValueError):
                    yield read_entry(position, fields)
        start = "(" + entries[-1][0].decode()


def done_before(store: Store) -> tuple[int, int] | None:
    """Every group has acknowledged all entries before this place; None if there are no groups."""
    floor = store.run("done_before", [store.keys.events()])
    return place(floor.decode()) if floor else None


def place(position: str) -> tuple[int, int]:
    """A position as numbers that can be compared."""
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number)
