"""Entries of the event stream by which one person is found, and which entries every group has done with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from contextlib import suppress

from campaigns.events.stream import Event, read_entry
from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_READ = 200
_GATEWAY_IDS = re.compile(rb'"(?:uuid|message_ids?)":')


def naming(store: Store, phone: str, alone: Set[bytes]) -> Iterator[Event]:
    """Every event that is kept and names the phone, or the gateway's ids of a batch of `alone`, which have only it.

    Reads the whole stream.
    """
    quoted, start = f'"{phone}"'.encode(), "-"
    while entries := store.ask(Redis.xrange, store.keys.events(), start, "+", _PER_READ):
        for position, fields in entries:
            data = fields.get(b"data", b"")
            if quoted in data or (fields.get(b"subject") in alone and _GATEWAY_IDS.search(data)):
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
