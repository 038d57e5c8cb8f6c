"""The rows of a delivery list, read when they are needed.

Most rows of most answers repeat what is known already. Comparing two fields finds those that do not; reading a whole
row costs several times as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from campaigns.answers.shapes import number_of
from campaigns.answers.values import DeliveryRow
from campaigns.recipients import normalise_phone
from campaigns.statuses import DEFAULT_FINAL, RANKS

_WORD_LENGTH: Final = 64
#: The country of phones that the gateway writes without one, unless a setting names another.
HOME: Final = "BY"
#: Status words that we know, by what they are whatever their case.
_KNOWN: Final = {word.casefold(): word for word in (*RANKS, *DEFAULT_FINAL)}
_SPELLING: Final = re.compile(r"[0-9+()./\s\u00a0\u2010-\u2015-]{1,40}")
_PHONE: Final = re.compile("[1-79][0-9]{10,14}")


class DeliveryRows:
    """Rows as the gateway wrote them. Iterating reads them; what cannot be understood is left out, and `skipped`.

    Unknown fields and unknown status words pass. Ids come as text or as numbers, and phones in several spellings: each
    gets one form. A phone that is masked, or is not a phone, cannot be understood.
    `region` is the country of phones that are written without one.
    """

    def __init__(self, raw: list[Any], region: str = HOME) -> None:
        self.raw = raw
        self.region = region

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
        return DeliveryRows(self.raw + other.raw, self.region)

    @property
    def skipped(self) -> int:
        """How many could not be understood."""
        return len(self.raw) - len(self._read)

    @cached_property
    def _read(self) -> list[DeliveryRow]:
        return read_rows(self.raw, self.region)


class BulkMailing(NamedTuple):
    """One mailing of statusBulkViber that was taken; `position` is its place in the answer."""

    name: str
    message_id: int | None
    alphaname_id: str
    rows: DeliveryRows
    position: int = 0


class BulkRefusal(NamedTuple):
    """One error of statusBulkViber. Its text usually begins with the mailing's name and a colon.

    `name` and `message_id` are those of the element that it stands in, which usually has none.
    """

    text: str
    name: str = ""
    message_id: int | None = None
    position: int = 0


class BulkStatus(NamedTuple):
    """An answer of statusBulkViber: mailings that were taken, and errors.

    `unreadable` counts the elements that could not be understood, `elements` all of them.
    """

    mailings: tuple[BulkMailing, ...]
    errors: tuple[BulkRefusal, ...]
    unreadable: int = 0
    elements: int = 0


def read_rows(raw: Iterable[Any], region: str = HOME) -> list[DeliveryRow]:
    """Rows that can be understood."""
    found = []
    for row in understood(raw):
        phone = spelled(row[0], region)
        if phone is not None:
            found.append(DeliveryRow(phone, *row[1:]))
    return found


def understood(
    raw: Iterable[Any], words: Words | None = None
) -> Iterator[tuple[str, str, int | None, int, str | None]]:
    """The fields of rows that can be understood, in the order of DeliveryRow; phones as the gateway spells them.

    A row in the documented shape is read in one step; only rows of another shape take a second.
    """
    words = Words() if words is None else words
    for row in raw:
        try:
            phone, status, get = row["phone"], words[row["status"]], row.get
            number, code, time = get("delivery_id"), get("error_code", 0), get("status_time")
        except (KeyError, TypeError, AttributeError):
            phone = None
        if (
            type(phone) is not str
            or type(number) is not int
            or type(code) is not int
            or type(time) is not str
            or not phone
        ):
            odd = _odd_row(row, words)
            if odd is not None:
                yield odd
        else:
            yield phone, status, number, code, time


def _odd_row(row: Any, words: Words) -> tuple[str, str, int | None, int, str | None] | None:
    if not isinstance(row, dict):
        return None
    phone, status, time = plain(row.get("phone")), row.get("status"), row.get("status_time")
    if not phone or isinstance(status, (bool, float, list, dict)):
        return None
    number, code = number_of(row.get("delivery_id")), number_of(row.get("error_code"))
    return phone, words[status], number, code or 0, time if isinstance(time, str) else None


@lru_cache(maxsize=1 << 16)
def _normalised(text: str, region: str) -> str | None:
    if not _SPELLING.fullmatch(text):
        return None  # a mask, or letters, which are no digits whatever a telephone keypad says
    phone = normalise_phone(text, region)
    # Digits alone are what the gateway calls a phone, whether or not such a number can exist.
    return phone or (text.strip() if re.fullmatch(r"\s*[0-9]{1,20}\s*", text) else None)


def spelled(phone: str, region: str = HOME) -> str | None:
    """A phone as we write it, from any spelling; None for one that is masked or cannot be a phone."""
    return phone if _PHONE.fullmatch(phone) else _normalised(phone, region)


def word_of(status: Any) -> str:
    """A status as one word. Known words are recognised in any case. Others stay as the gateway spells them, but for the
    characters that divide the fields of a stored delivery."""
    word = re.sub(r"[|\x00-\x1f]", "_", plain(status).strip())[:_WORD_LENGTH]
    return _KNOWN.get(word.casefold(), word)


class Words(dict[Any, str]):
    """A status as the gateway spells it → its word. There are few in an answer. `final` are further known words."""

    def __init__(self, final: Iterable[str] = ()) -> None:
        self._final = {word.casefold(): word for word in final}

    def __missing__(self, status: Any) -> str:
        word = word_of(status)
        word = self[status] = self._final.get(word.casefold(), word)
        return word


def plain(value: Any) -> str:
    """A text or a number as text; "" for anything else."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
