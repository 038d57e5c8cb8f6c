"""Finds the row of each excluded recipient in the file of recipients, and who shares their phone with another row.

Takes memory that does not grow with the file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from campaigns.errors import JobError
from campaigns.planning.deduplication import also_sent
from campaigns.planning.planner import CHUNK
from campaigns.recipients import RecipientFile, mobile_phone, mobile_phones, normalise_phone
from campaigns.recipients.columns import PHONE
from campaigns.recipients.exclusions import Excluded, Exclusion
from campaigns.recipients.originals import Original, Originals, originals

#: An excluded recipient and their row, or None if it could not be found.
Found = tuple[Excluded, Original | None]
SharedPhone = Callable[[Excluded], str]


def found_rows(noted: Iterable[Excluded], file: RecipientFile, rows: Originals) -> Iterator[Found]:
    """Excluded recipients with their rows, in the order of the file; then those whose row is found by their phone only,
    such as opt-outs after planning; then those who are not found, because the file has changed."""
    search = _Search(file, rows)
    for one in noted:
        yield from search.up_to(one)
    yield from search.remaining()
    yield from _by_phone(search.unplaced, file)


class _Search:
    """Reads the file as far as the exclusions demand. Within a chunk of planning they are in no order."""

    def __init__(self, file: RecipientFile, rows: Originals) -> None:
        #: Recipients whose line is not known, or holds another phone now.
        self.unplaced: list[Excluded] = []
        self._file = file
        self._rows = _readable(rows.rows)
        self._read = deque[Original]()
        self._by_line: dict[int, Excluded] = {}
        self._line = 0

    def up_to(self, one: Excluded) -> Iterator[Found]:
        """Note a recipient and read on to their line. Yields what cannot be excluded a second time any more."""
        line = self._file.line_at(one.place)
        if line is None:
            self.unplaced.append(one)
            return
        self._by_line[line] = one
        while self._line < line and (row := next(self._rows, None)) is not None:
            self._line = _line(row)
            self._read.append(row)
            if len(self._read) > CHUNK:
                yield from self._settled(self._read.popleft())

    def remaining(self) -> Iterator[Found]:
        for row in self._read:
            yield from self._settled(row)
        self.unplaced += self._by_line.values()

    def _settled(self, row: Original) -> Iterator[Found]:
        one = self._by_line.pop(_line(row), None)
        if one is not None and one.phone == row.phone:
            yield one, row
        elif one is not None:
            self.unplaced.append(one)


def _by_phone(unplaced: list[Excluded], file: RecipientFile) -> Iterator[Found]:
    wanted: dict[str, list[Excluded]] = {}
    for one in unplaced:
        wanted.setdefault(normalise_phone(one.phone, file.region) or one.phone, []).append(one)
    for row in _readable(rows_of(file).rows) if wanted else ():
        phone = normalise_phone(row.phone, file.region) or row.phone
        if ones := wanted.get(phone):
            yield ones.pop(0), row
    yield from ((one, None) for ones in wanted.values() for one in ones)


def shared_phones(noted: Iterable[Excluded], file: RecipientFile) -> SharedPhone:
    """A function that returns an excluded recipient's phone, with a plus before it, if another row has it too, which is
    sent; or '' if none has.

    Reads the whole file, since that row may come last.
    """
    region = file.region
    excluded = _mobile((one.phone for one in noted), region)
    sent = also_sent(excluded, _mobile((row.phone for row in _readable(rows_of(file).rows)), region))

    def shared_phone(one: Excluded) -> str:
        phone = mobile_phone(one.phone, region)
        is_shared = phone is not None and (one.reason == Exclusion.DUPLICATE or int(phone) in sent)
        # The plus keeps spreadsheets from shortening it to 3,75E+11.
        return f"+{phone}" if is_shared else ""

    return shared_phone


def _mobile(phones: Iterator[str], region: str) -> Iterator[int]:
    while some := list(islice(phones, CHUNK)):
        yield from map(int, filter(None, mobile_phones(some, region)))


def rows_of(file: RecipientFile) -> Originals:
    """The rows of the file; none if it cannot be read any more."""
    try:
        return originals(file)
    except JobError:
        return Originals([PHONE], 0, iter(()))


def _readable(rows: Iterator[Original]) -> Iterator[Original]:
    """The rows before the first one that cannot be read: once the campaign is stored, nothing may be raised."""
    try:
        yield from rows
    except JobError:
        return


def _line(row: Original) -> int:
    return row.line or row.number
