"""Excluded recipients, and the reasons. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from campaigns.text.labelled import LabelledEnum


class Exclusion(LabelledEnum):
    """Why a recipient is excluded. `label` is the name of the reason in reports and commands."""

    INVALID = "invalid", "invalid"
    """The phone is not a mobile number, or the text cannot be filled with the row's values."""
    DUPLICATE = "duplicate", "handed in more than once"
    """An earlier row of the job has the same recipient, or another row of the file from which a list was made."""
    OPTED_OUT = "opted_out", "opted out"
    """The phone is on the suppression list."""
    SUPPRESSED = "suppressed", "could not be reached"
    """The last messages to the phone were undelivered, and it has not been seen since."""
    CAPPED = "capped", "had enough messages"
    """The phone has got as many campaign messages as the frequency cap allows."""


_WORDS: Final[dict[str, str]] = {
    Exclusion.INVALID: "is not a mobile phone number",
    Exclusion.DUPLICATE: "has been handed in before",
    Exclusion.OPTED_OUT: "has opted out",
    Exclusion.SUPPRESSED: "could not be reached by the last messages",
    Exclusion.CAPPED: "has got as many messages as the frequency cap allows",
}


_IN_MAILING: Final = re.compile(r"messages\[([0-9]+)\]\.delivery_list\[[0-9]+\]")


def as_handed_in(row: Any) -> str:
    """The phone of a row, for people: its beginning, as it was handed in."""
    phone = str(row.get("phone", "") if isinstance(row, dict) else row)[:100]
    return phone.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Excluded:
    """An excluded recipient.

    `reason` is one of `Exclusion`. `place` is the line in the file, the place in the job or, for a recipient who was
    excluded after planning, the batch. `phone` is as it was handed in. `why` explains some cases of `invalid`, such
    as missing values, and of `duplicate`; it is empty if the reason says all. `mailing` is the number of the mailing in
    the job (from 0), where the place does not tell it: of a recipient who was excluded after planning, or whose mailing
    has a file of its own.
    """

    reason: str
    place: str
    phone: str = field(repr=False)
    why: str = ""
    mailing: int | None = None

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Excluded:
        """From its fields as they are stored. Further elements, which a later version may store, are left out."""
        return cls(*row[: len(fields(cls))])

    @property
    def words(self) -> str:
        """Why the recipient is excluded, for people."""
        return self.why or _WORDS.get(self.reason, self.reason)

    @property
    def in_mailing(self) -> int | None:
        """The number of the mailing in the job (from 0), as far as it is known."""
        match = _IN_MAILING.fullmatch(self.place)
        return int(match[1]) if match and self.mailing is None else self.mailing

    def erased(self, campaign_id: str) -> list[str | int | None]:
        """What is stored of it once the person is erased: reason, mailing, and the batch if it came after planning."""
        later = self.place if self.place.startswith(f"{campaign_id}-") else ""
        row: list[str | int | None] = [self.reason, later, None, ""]
        return row if self.in_mailing is None else [*row, self.in_mailing]

    def as_row(self) -> list[str | int]:
        """The fields as they are stored, without empty ones at the end."""
        row: list[str | int] = [self.reason, self.place, self.phone]
        if self.mailing is not None:
            return [*row, self.why, self.mailing]
        return [*row, *([self.why] if self.why else [])]
