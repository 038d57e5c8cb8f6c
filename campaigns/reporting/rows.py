"""A row per message, as CSV or as JSON lines. Pure, and one row at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from campaigns.harmless import harmless_lines, json_line
from campaigns.results import Delivery

COLUMNS: Final = ("phone", "mailing", "state", "status", "time", "error_code", "replies")
#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Row:
    """One message: `state` is that of its request, `status` the gateway's word at `time` (ISO 8601 with offset),
    both empty while it said nothing; `replies` is how many answers came."""

    phone: str
    mailing: str
    state: str
    status: str
    time: str
    error_code: int
    replies: int

    def values(self) -> tuple[str | int, ...]:
        """In the order of COLUMNS."""
        return self.phone, self.mailing, self.state, self.status, self.time, self.error_code, self.replies


def rows_of(deliveries: Iterable[Delivery], answers: Mapping[tuple[str, str, str], int], zone: tzinfo) -> Iterator[Row]:
    """Rows for deliveries. `answers`: replies by batch, mailing and phone; times are in `zone`."""
    for delivery in deliveries:
        yield Row(
            phone=delivery.phone,
            mailing=delivery.mailing,
            state=delivery.state,
            status=delivery.status,
            time=_time(delivery.at_ms, zone),
            error_code=delivery.error_code,
            replies=answers.get((delivery.batch_id, delivery.mailing, delivery.phone), 0) if answers else 0,
        )


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """CSV with a header (RFC 4180). Text that a spreadsheet would take for a formula gets an apostrophe in front."""
    # `writerow` returns what the file's `write` returns.
    writer = csv.writer(_Line(), lineterminator="\r\n")
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([_harmless(value) for value in row.values()])


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One JSON object a line, with the names of COLUMNS."""
    for row in rows:
        yield json_line(dict(zip(COLUMNS, row.values(), strict=True))) + "\n"


class _Line:
    """A file for `csv.writer` that keeps nothing."""

    def write(self, text: str) -> str:
        return text


def _harmless(value: str | int) -> str | int:
    if not isinstance(value, str):
        return value
    value = harmless_lines(value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def _time(at_ms: int | None, zone: tzinfo) -> str:
    if at_ms is None:
        return ""
    try:
        return datetime.fromtimestamp(at_ms / 1000, tz=zone).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""
