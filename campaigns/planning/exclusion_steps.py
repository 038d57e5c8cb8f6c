"""Exclusions as planning finds them: the excluded rows of one reason, each with its place. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from campaigns.recipients import RecipientFile, lost_digits
from campaigns.recipients.exclusions import Excluded, as_handed_in

#: The place of a row, by its number, for people.
Place = Callable[[int], str]
#: For each of some phones, whether it is on a list; an empty sequence if none is.
OnList = Callable[[list[str]], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Recipients who are excluded for one reason, each as (place in the job, phone as handed in), with a third element
    that explains `reason` where it needs explaining, and a fourth, the number of the mailing, where the place does not
    tell it."""

    reason: str  # one of `campaigns.recipients.exclusions.Exclusion`
    rows: list[tuple[Any, ...]] = field(repr=False)

    def excluded(self) -> Iterator[Excluded]:
        """The recipients as values."""
        return (Excluded(self.reason, *row) for row in self.rows)

    def of_mailing(self, number: int) -> Exclusion:
        """The same recipients, who name their mailing."""
        return Exclusion(self.reason, [(*row, *[""] * (3 - len(row)), number) for row in self.rows])


class PlacedRows(list[Any]):
    """Rows that were chosen from others, each with its place among those."""

    def __init__(self, rows: Iterable[tuple[str, Any]]) -> None:
        placed = list(rows)
        super().__init__(row for _, row in placed)
        self._places = [place for place, _ in placed]

    def place(self, number: int) -> str:
        """The place of row `number` (from 0)."""
        return self._places[number]


def places(rows: Iterable[Any], name: str) -> Place:
    """A function that names the place of a row: by its line in the file, or by its number in the job."""
    return rows.place if isinstance(rows, RecipientFile | PlacedRows) else lambda number: f"{name}[{number}]"


def still_shared(rows: Iterable[Any], start: int, number: int) -> Sequence[int]:
    """Which of `number` rows from `start` on still have the phone of another row by a list of excluded recipients,
    counted from `start`."""
    found = rows.still_shared(start, start + number) if isinstance(rows, RecipientFile) else ()
    return [at - start for at in found]


def taken_out(phones: list[str | None], on_list: OnList) -> list[int]:
    """The numbers of the phones that are on a list, once None stands in place of each."""
    asked = phones if None not in phones else [phone for phone in phones if phone is not None]
    if not any(verdicts := on_list(cast(list[str], asked))):
        return []
    kept = [i for i, phone in enumerate(phones) if phone is not None]
    listed = [i for i, is_listed in zip(kept, verdicts, strict=True) if is_listed]
    for i in listed:
        phones[i] = None
    return listed


def listed_row(place: str, row: Any, why: str | None) -> tuple[str, ...]:
    """An excluded row as a tuple: its place, its phone and, if the reason needs explaining, an explanation."""
    phone = as_handed_in(row)
    why = lost_digits(phone) or why
    return (place, phone) if why is None else (place, phone, why)
