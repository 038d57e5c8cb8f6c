"""What an answer of the gateway changes: stored rows in, rows out, changes to write. Pure.

A stored delivery is `STATUS|unix ms|delivery_id|error_code`; the id is empty if the answer had none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from campaigns.statuses import DELIVERED, UNKNOWN_FINAL, advances, is_known, rank

#: One script call writes at most so many rows: others wait for the server meanwhile.
ROWS_PER_CALL = 500
#: One event carries at most so many changes.
CHANGES_PER_EVENT = 250


class Row(Protocol):
    """A row of an answer, as the gateway room reads it."""

    @property
    def phone(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def delivery_id(self) -> int | None: ...
    @property
    def error_code(self) -> int: ...
    @property
    def status_time(self) -> str | None: ...


class Change(NamedTuple):
    """One delivery whose status moved from `before` (empty: nothing known) to `status`."""

    phone: str
    before: str
    status: str
    at_ms: int
    delivery_id: int | None
    error_code: int

    def value(self) -> str:
        """What is stored."""
        number = "" if self.delivery_id is None else self.delivery_id
        return f"{self.status}|{self.at_ms}|{number}|{self.error_code}"

    def packed(self) -> list[Any]:
        """What the event carries."""
        return [self.phone, self.status, self.at_ms, self.delivery_id, self.error_code]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an answer means for one mailing."""

    changes: list[Change]
    strange_words: int  # rows with a status word that neither contract nor settings know
    strangers: int  # rows with a phone that the mailing never had


def compare(
    stored: Mapping[str, str],
    rows: Iterable[Row],
    *,
    phones: Callable[[], Collection[str]],
    final: Set[str],
    now_ms: int,
    at_ms: Callable[[str], int | None],
) -> Comparison:
    """Compare an answer with what is stored. Ranks never fall; phones missing from the answer stay as they are.

    `phones` gives the mailing's own phones and is only asked when a row is new; `at_ms` reads the
    gateway's times and answers None for what it cannot read.
    """
    now: dict[str, str] = {}
    own: Collection[str] | None = None
    changes: dict[str, Change] = {}
    strange_words = strangers = 0
    for row in rows:
        phone, status = row.phone, row.status
        value = stored.get(phone, "")
        # Nearly all rows say what was known: they leave here.
        if value.startswith(status) and value[len(status) : len(status) + 1] == "|" and phone not in now:
            continue
        before = now.get(phone) or _status(value)
        if before == status:
            continue
        if not is_known(status, final):
            strange_words += 1
        if not before:
            if own is None:
                own = phones()
            if phone not in own:
                strangers += 1
                continue
        if advances(before, status, final):
            at = at_ms(row.status_time) if row.status_time else None
            first = changes[phone].before if phone in changes else before
            changes[phone] = Change(phone, first, status, at or now_ms, row.delivery_id, row.error_code)
            now[phone] = status
    return Comparison(list(changes.values()), strange_words, strangers)


def silenced(stored: Mapping[str, str], phones: Iterable[str], *, final: Set[str], now_ms: int) -> list[Change]:
    """The horizon passed: what was never delivered nor refused becomes UNKNOWN_FINAL, also where nothing was heard."""
    changes = []
    for phone in phones:
        value = stored.get(phone, "")
        before = _status(value)
        if before not in final and (not before or rank(before, final) < rank(DELIVERED)):
            _, _, rest = value.partition("|")
            _, _, rest = rest.partition("|")
            number, _, code = rest.partition("|")
            changes.append(
                Change(phone, before, UNKNOWN_FINAL, now_ms, int(number) if number else None, int(code or 0))
            )
    return changes


def portions(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """As many changes as one script call writes."""
    for start in range(0, len(changes), ROWS_PER_CALL):
        yield changes[start : start + ROWS_PER_CALL]


def counters(changes: Iterable[Change], final: Set[str]) -> tuple[dict[str, int], int]:
    """How the number of deliveries per status changes, and by how many those that are final grow."""
    words: Counter[str] = Counter()
    finals = 0
    for change in changes:
        words[change.status] += 1
        if change.before:
            words[change.before] -= 1
        finals += (change.status in final) - (change.before in final)
    return {word: number for word, number in words.items() if number}, finals


def _status(value: str) -> str:
    return value.partition("|")[0]
