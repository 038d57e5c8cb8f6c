"""What an answer of the gateway changes: stored rows in, rows out, changes to write. Pure.

A stored delivery is `STATUS|unix ms|delivery_id|error_code`; the id is empty if the answer had none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from campaigns.answers.rows import DeliveryRows, Words, spelled, understood
from campaigns.statuses import DELIVERED, UNKNOWN_FINAL, advances, is_known, rank

#: The most rows that one script call reads or writes: other clients wait for the server meanwhile.
ROWS_PER_CALL = 1000
#: The most changes that one event carries.
CHANGES_PER_EVENT = 250


class Change(NamedTuple):
    """One delivery whose status moved from `before` (empty: nothing known) to `status`.

    All but `before` is what the event carries, in this order.
    """

    phone: str
    status: str
    at_ms: int
    delivery_id: int | None
    error_code: int
    before: str

    def __repr__(self) -> str:
        return f"Change({self.before!r} -> {self.status!r})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an answer means for one mailing."""

    changes: list[Change] = field(repr=False)
    unknown_statuses: int  # rows with a status word that neither contract nor settings know
    unknown_phones: int  # rows with a phone that the mailing never had
    unreadable: int = 0  # rows whose phone could not be read, or that are not rows at all


#: The number of changed rows from which the share of changed rows in an answer is estimated.
_SAMPLE = 50


class _Starts(dict[Any, str]):
    """A status as the gateway spells it → how what is stored of it begins."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def __missing__(self, status: Any) -> str:
        start = self[status] = f"{self._words[status]}|"
        return start


class _Verdicts(dict[tuple[str, str], tuple[bool, bool]]):
    """Two statuses → whether the newer one is known, and whether it replaces the older.

    There are few pairs of words in an answer, and a thousand rows.
    """

    def __init__(self, final: Set[str]) -> None:
        self._final = final

    def __missing__(self, words: tuple[str, str]) -> tuple[bool, bool]:
        before, status = words
        # A row with a phone and no status changes nothing.
        has_status = bool(status)
        self[words] = verdict = (
            not has_status or is_known(status, self._final),
            has_status and advances(before, status, self._final),
        )
        return verdict


_MOVE = itemgetter(Change._fields.index("before"), Change._fields.index("status"))


def compare(
    stored: Mapping[str, str],
    rows: DeliveryRows,
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
    own, changes = _Own(phones, rows.region), dict[str, Change]()
    unknown_statuses = read = 0
    words = Words(final)
    verdicts, known, made = _Verdicts(final), stored.get, tuple.__new__
    changed = _changed(stored, rows, words)
    for listed, status, number, code, time in understood(changed, words):
        read += 1
        # A call per row would cost more than the rest of it.
        phone = listed if listed in stored or listed in own.known else own.find(listed)
        if phone is None:
            continue
        first = known(phone, "").partition("|")[0]
        before = changes[phone].status if phone in changes else first
        if before == status:
            continue
        knows, moves = verdicts[before, status]
        unknown_statuses += not knows
        if moves:
            at = (at_ms(time) if time else None) or now_ms
            # What Change(...) does, in half the time.
            changes[phone] = made(Change, (phone, status, at, number, code, first))
    unreadable = len(changed) - read + own.unreadable
    return Comparison(list(changes.values()), unknown_statuses, own.unknown_phones, unreadable)


class _Own:
    """The phones of a mailing, asked for when a row is new, and found in whatever spelling."""

    def __init__(self, phones: Callable[[], Collection[str]], region: str) -> None:
        self.unknown_phones = self.unreadable = 0
        self.known: Collection[str] = ()  # until it is asked for
        self._phones = phones
        self._region = region
        self._asked = False

    def find(self, listed: str) -> str | None:
        """A phone as we write it; None, and counted, if the mailing never had it or it cannot be read."""
        if not self._asked:
            self.known, self._asked = self._phones(), True
        if listed in self.known:
            return listed
        phone = spelled(listed, self._region)
        if phone is None:
            self.unreadable += 1
        elif phone not in self.known:
            self.unknown_phones += 1
        else:
            return phone
        return None


def _changed(stored: Mapping[str, str], rows: DeliveryRows, words: Words) -> list[Any]:
    """The raw rows that differ from what is stored. Nearly all rows of an answer do not."""
    starts, known, changed = _Starts(words), stored.get, []
    for count, row in enumerate(rows.raw):
        try:
            if known(row["phone"], "").startswith(starts[row["status"]]):
                continue
        except (KeyError, TypeError):
            pass  # whether it can be understood is found out by reading it
        changed.append(row)
        if len(changed) == _SAMPLE and count < 2 * _SAMPLE:
            # Where most rows changed, filtering the others costs more than parsing them.
            return [*changed, *rows.raw[count + 1 :]]
    return changed


def expire_unreported(
    stored: Mapping[str, str], phones: Iterable[str], *, final: Set[str], now_ms: int
) -> list[Change]:
    """After the horizon, what is neither delivered nor refused becomes UNKNOWN_FINAL, also without a status."""
    changes = []
    for phone in phones:
        value = stored.get(phone, "")
        before = _status(value)
        if before not in final and (not before or rank(before, final) < rank(DELIVERED)):
            _, _, rest = value.partition("|")
            _, _, rest = rest.partition("|")
            number, _, code = rest.partition("|")
            changes.append(
                Change(phone, UNKNOWN_FINAL, now_ms, int(number) if number else None, int(code or 0), before)
            )
    return changes


def counters(changes: Iterable[Change], final: Set[str]) -> tuple[dict[str, int], int]:
    """How the number of deliveries per status changes, and by how many those that are final grow."""
    moves = Counter(map(_MOVE, changes))
    words: Counter[str] = Counter()
    for (before, status), number in moves.items():
        words[status] += number
        words[before] -= number
    del words[""]
    finals = sum(number for word, number in words.items() if word in final)
    return {word: number for word, number in words.items() if number}, finals


def encoded_values(changes: Iterable[Change]) -> list[str]:
    """What is stored of changes: phone, value, phone, value, ..."""
    return [
        part
        for phone, status, at_ms, number, code, _ in changes
        for part in (phone, f"{status}|{at_ms}|{'' if number is None else number}|{code}")
    ]


def _status(value: str) -> str:
    return value.partition("|")[0]
