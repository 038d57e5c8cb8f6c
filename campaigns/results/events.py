"""The event stream: one entry per event, field names as in CloudEvents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import Any

import orjson

from campaigns.store import Store

_PER_READ = 200

DELIVERIES_CHANGED = "deliveries.changed"
DELIVERY_CHANGED = "delivery.changed"


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    `id` is the same however often it is delivered; `source` is the campaign's id, or `accounts/<alias>`;
    `sequence` counts the events of a source from 1 without gaps; `subject` is what it is about;
    `time` is RFC 3339 in UTC; `position` is its place in the stream.
    """

    id: str
    type: str
    source: str
    subject: str
    time: str
    sequence: int
    data: dict[str, Any] = field(repr=False)
    position: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def event_schemas() -> dict[str, Any]:
    """The JSON Schema (2020-12) of each event type's `data`, by type."""
    text = files("campaigns.results").joinpath("events.schema.json").read_text("utf-8")
    definitions: dict[str, Any] = orjson.loads(text)["$defs"]
    return definitions


def read_entry(position: bytes, fields: Mapping[bytes, bytes]) -> Event:
    """An entry of the stream as an event. Raises KeyError or ValueError for what is not one."""
    data = orjson.loads(fields[b"data"])
    if not isinstance(data, dict):
        raise ValueError("data is no object")  # noqa: TRY004 (what read_entry promises)
    return Event(
        id=fields[b"id"].decode(),
        type=fields[b"type"].decode(),
        source=fields[b"source"].decode(),
        subject=fields[b"subject"].decode(),
        time=fields[b"time"].decode(),
        sequence=int(fields[b"sequence"]),
        data=data,
        position=position.decode(),
    )


def single_changes(event: Event) -> Iterator[Event]:
    """`deliveries.changed` as one `delivery.changed` per phone, ids `<id>#<n>`; anything else as it is.

    Raises KeyError, TypeError or ValueError if its changes are not as documented.
    """
    if event.type != DELIVERIES_CHANGED:
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
            type=DELIVERY_CHANGED,
            source=event.source,
            subject=event.subject,
            time=event.time,
            sequence=event.sequence,
            data=data,
            position=event.position,
        )


class Events:
    """Reads the stream without a group. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = store.keys.events()

    def since(self, position: str = "-", *, source: str | None = None) -> Iterator[Event]:
        """Events from `position` on (`-` for all that are kept, `(<position>` for those after it).

        What is no event is passed over.
        """
        start = position
        while entries := self._store.ask("xrange", self._key, start, "+", _PER_READ):
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
        newest = self._store.ask("xrevrange", self._key, "+", "-", 1)
        return newest[0][0].decode() if newest else "0-0"

    def trim(self, life_ms: int) -> int:
        """Drop events that are older than `life_ms` and that every group has acknowledged. Returns what is left."""
        return int(self._store.run("trim", [self._key], [life_ms]))

    def __len__(self) -> int:
        return int(self._store.ask("xlen", self._key))
