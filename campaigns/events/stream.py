"""Reading and trimming the event stream: one entry per event, field names as in CloudEvents.

Scripts write the events, and give them their ids: see `emit` in `store/lua/include/event.lua`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import Any

import orjson

from campaigns.store.client import Store
from campaigns.store.commands import Redis

_PER_READ = 200
#: Far deeper than any event of ours. Copying and writing out what is nested a few hundred levels deep fails.
_DEPTH_MOST = 32
#: Entries that one call of trimming drops.
_PER_TRIM = 1000

#: Events that carry many recipients: the type of each, and of the event for a single one.
OF_MANY = {
    "deliveries.changed": "delivery.changed",
    "deliveries.fallback_due": "delivery.fallback_due",
    "deliveries.late": "delivery.late",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    `id` is the same however often it is delivered; `source` is the campaign's id, or `accounts/<alias>`;
    `sequence` counts the events of a source from 1 without gaps; `subject` is what it is about;
    `time` is RFC 3339 in UTC; `position` is its place in the stream; `correlation_id` is that of the campaign's job, or
    empty.
    """

    id: str
    type: str
    source: str
    subject: str
    time: str
    sequence: int
    data: dict[str, Any] = field(repr=False)
    position: str
    correlation_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What trimming did: entries left and dropped. `full`: whether sending pauses until groups have read more.

    `turned`: whether that has just begun, or just ended.
    """

    left: int
    dropped: int
    full: bool
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Full:
    """The event stream is full, since `since_ms` (unix ms), of what some group has yet to read.

    `group` was furthest behind then. Nothing is sent meanwhile; that ends by itself once there is room.
    """

    since_ms: int
    group: str


def event_schemas() -> dict[str, Any]:
    """The JSON Schema (2020-12) of each event type's `data`, by type."""
    text = files("campaigns.events").joinpath("events.schema.json").read_text("utf-8")
    definitions: dict[str, Any] = orjson.loads(text)["$defs"]
    return definitions


def read_entry(position: bytes, fields: Mapping[bytes, bytes]) -> Event:
    """An entry of the stream as an event. Raises KeyError or ValueError for what is not one."""
    data = orjson.loads(fields[b"data"])
    if not isinstance(data, dict):
        raise ValueError("data is no object")  # noqa: TRY004 (what read_entry promises)
    if _deeper(data, _DEPTH_MOST):
        raise ValueError("data is nested too deep")
    return Event(
        id=fields[b"id"].decode(),
        type=fields[b"type"].decode(),
        source=fields[b"source"].decode(),
        subject=fields[b"subject"].decode(),
        time=fields[b"time"].decode(),
        sequence=int(fields[b"sequence"]),
        data=data,
        position=position.decode(),
        correlation_id=fields.get(b"correlationid", b"").decode(),
    )


def _deeper(value: Any, levels: int) -> bool:
    """Whether a document has more levels than that."""
    if not isinstance(value, (dict, list)):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(part, levels - 1) for part in parts)


def single_changes(event: Event) -> Iterator[Event]:
    """An event of many recipients as one per phone, ids `<id>#<n>`; anything else as it is. See `OF_MANY`.

    Raises KeyError, TypeError or ValueError if its changes are not as documented.
    """
    if event.type not in OF_MANY:
        yield event
        return
    about = {name: value for name, value in event.data.items() if name != "changes"}
    if not isinstance(event.data["changes"], list):
        raise TypeError("changes are no list")
    for number, (phone, status, at_ms, delivery_id, error_code) in enumerate(event.data["changes"]):
        data = {
            **about,
            "phone": phone,
            "status": status,
            "at_ms": at_ms,
            "delivery_id": delivery_id,
            "error_code": error_code,
        }
        yield Event(
            id=f"{event.id}#{number}",
            type=OF_MANY[event.type],
            source=event.source,
            subject=event.subject,
            time=event.time,
            sequence=event.sequence,
            data=data,
            position=event.position,
            correlation_id=event.correlation_id,
        )


class Events:
    """Reads the stream without a group. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = store.keys.events()

    def since(self, position: str = "-", *, source: str | None = None) -> Iterator[Event]:
        """Events from `position` on (`-` for all that are kept, `(<position>` for those after it).

        Entries that are not events are passed over.
        """
        start = position
        while entries := self._store.ask(Redis.xrange, self._key, start, "+", _PER_READ):
            for entry_id, fields in entries:
                try:
                    event = read_entry(entry_id, fields)
                except (KeyError, ValueError):
                    continue
                if source is None or event.source == source:
                    yield event
            start = "(" + entries[-1][0].decode()

    def last_position(self) -> str:
        """The position of the newest event, `0-0` if there is none."""
        newest = self._store.ask(Redis.xrevrange, self._key, "+", "-", 1)
        return newest[0][0].decode() if newest else "0-0"

    def trim(self, life_ms: int, cap: int) -> Trimmed:
        """Drop some events that every group has acknowledged: those older than `life_ms`, or above `cap`.

        At most 1,000 entries go in one call, for which Valkey 9.1 took 0.4 ms (204 calls, entries of 350 bytes). Where
        some were dropped, another call may drop more. Where `cap` entries remain that some group has yet to read,
        sending pauses, with an event.
        """
        keys = [self._key, self._store.keys.stream()]
        left, dropped, full, turned = self._store.run("trim_events", keys, [life_ms, cap, _PER_TRIM])
        return Trimmed(int(left), int(dropped), bool(full), bool(turned))

    def full(self) -> Full | None:
        """Whether sending pauses because the stream is full of what some group has yet to read."""
        since_ms, group = self._store.ask(Redis.hmget, self._store.keys.stream(), ["full_ms", "full_group"])
        return Full(int(since_ms), group.decode("utf-8", "replace")) if since_ms else None

    def __len__(self) -> int:
        return int(self._store.ask(Redis.xlen, self._key))
