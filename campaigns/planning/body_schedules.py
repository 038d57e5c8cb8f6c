"""The scheduled time in a stored body, which may change after planning. Pure."""

from __future__ import annotations

import orjson


def without_schedule(kind: str, body: bytes) -> bytes:
    """A stored body of a bulk or list batch without its scheduled time, which has passed."""
    document = orjson.loads(body)
    for part in document if kind == "bulk" else [document]:
        part.pop("schedule_time", None)
        part.pop("d_schedule", None)
    return orjson.dumps(document)


def with_schedule(kind: str, body: bytes, when: str) -> bytes:
    """A stored body of a bulk or list batch with the scheduled time `when`, in the gateway's format."""
    document = orjson.loads(body)
    for part in document if kind == "bulk" else [document]:
        part["schedule_time" if kind == "bulk" else "d_schedule"] = when
    return orjson.dumps(document)
