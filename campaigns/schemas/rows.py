"""The rows of a delivery list, read when somebody asks for them.

Most answers say of most phones what is known already. To find those that do not takes a look at two fields of
a row; to read a row costs several times as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple

from campaigns.schemas.values import DeliveryRow

_WORD_LENGTH: Final = 64


class DeliveryRows:
    """Rows as the gateway wrote them. Iterating reads them; what cannot be understood is left out, and `skipped`.

    Unknown fields and unknown status words pass. Ids come as text in some answers and as numbers in others and
    are made one.
    """

    def __init__(self, raw: list[Any]) -> None:
        self.raw = raw

    @classmethod
    def of(cls, rows: Iterable[DeliveryRow]) -> DeliveryRows:
        return cls([row._asdict() for row in rows])

    def __iter__(self) -> Iterator[DeliveryRow]:
        return iter(self._read)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeliveryRows) and self._read == other._read

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._read)

    def __add__(self, other: DeliveryRows) -> DeliveryRows:
        return DeliveryRows(self.raw + other.raw)

    @property
    def skipped(self) -> int:
        """How many could not be understood."""
        return len(self.raw) - len(self._read)

    @cached_property
    def _read(self) -> list[DeliveryRow]:
        return read_rows(self.raw)


class BulkMailing(NamedTuple):
    """One mailing of statusBulkViber that was taken."""

    name: str
    message_id: int | None
    alphaname_id: str
    rows: DeliveryRows


class BulkStatus(NamedTuple):
    """An answer of statusBulkViber: mailings that were taken, and errors that begin with a mailing's name."""

    mailings: tuple[BulkMailing, ...]
    errors: tuple[str, ...]


def read_rows(raw: Iterable[Any]) -> list[DeliveryRow]:
    """Rows that can be understood."""
    return [DeliveryRow(*row) for row in understood(raw)]


def understood(raw: Iterable[Any]) -> Iterator[tuple[str, str, int | None, int, str | None]]:
    """The fields of rows that can be understood, in the order of DeliveryRow, which costs as much as reading them."""
    words = _Words()
    for row in raw:
        try:
            phone, status, get = row["phone"], words[row["status"]], row.get
            number, code, time = get("delivery_id"), get("error_code", 0), get("status_time")
        except (KeyError, TypeError, AttributeError):
            continue
        if type(phone) is not str or type(number) is not int or type(code) is not int or type(time) is not str:
            phone, number, code = _plain(phone), number_of(number), number_of(code) or 0
            time = time if isinstance(time, str) else None
        if phone and status:
            yield phone, status, number, code, time


def word_of(status: Any) -> str:
    """The gateway's spelling of a status as one word: unknown ones pass, but what is stored divides by bars."""
    return re.sub(r"[|\x00-\x1f]", "_", _plain(status))[:_WORD_LENGTH]


def number_of(value: Any) -> int | None:
    """An id or a count, from a number or its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return None


class _Words(dict[Any, str]):
    """A status as the gateway spells it → its word. There are few in an answer."""

    def __missing__(self, status: Any) -> str:
        word = self[status] = word_of(status)
        return word


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
