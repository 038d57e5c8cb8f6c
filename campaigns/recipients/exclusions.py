"""Recipients who are not messaged, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_WORDS: Final = {
    "invalid": "is not a mobile phone number",
    "duplicate": "has been handed in before",
    "opted_out": "has opted out",
}


@dataclass(frozen=True, slots=True)
class Excluded:
    """A recipient who is not messaged.

    `reason` is `invalid`, `duplicate` or `opted_out`. `place` is the line of its file, the place in the job, or the
    batch that it stood in when it opted out. `phone` is as it was handed in. `why` says more about `invalid`, such
    as which values are missing; it is empty where the phone is simply none.
    """

    reason: str
    place: str
    phone: str = field(repr=False)
    why: str = ""

    @property
    def words(self) -> str:
        """Why it is excluded, for people."""
        return self.why or _WORDS.get(self.reason, self.reason)

    def as_row(self) -> list[str]:
        """As it is stored: what it has nothing of is left out."""
        return [self.reason, self.place, self.phone, *([self.why] if self.why else [])]
