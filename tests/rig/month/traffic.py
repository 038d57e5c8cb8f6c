"""What the application of the month hands in: single messages all day long, and a few large campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.support.jobs import bulk_job, quick_job

_FIRST_PHONE = 1_000_000
#: To this phone goes the same message every hour, as people do who watch that messages arrive.
_WATCHED = "375299999999"
#: What campaigns are about. Single messages are about nothing in particular.
_TOPICS = ("offers", "news")
#: A campaign's file has some that are no phones, and some that stand in it twice.
_INVALID, _TWICE = 0.002, 0.003


@dataclass(frozen=True)
class Volume:
    """Traffic of one day: single messages, campaigns, and recipients of each campaign."""

    singles: int
    campaigns: int
    recipients: int

    @property
    def jobs(self) -> int:
        return self.singles + self.campaigns

    def requests(self, per_request: int) -> int:
        """Paid requests, each of which becomes a batch. What is excluded makes them no more."""
        return self.singles + self.campaigns * -(-self.recipients // per_request)


class Traffic:
    """Jobs, drawn with a seed."""

    def __init__(self, volume: Volume, seed: int) -> None:
        self.volume = volume
        self._random = Random(seed)
        self._people = range(_FIRST_PHONE, _FIRST_PHONE + max(1000, 10 * volume.recipients))

    def singles(self, number: int) -> list[dict[str, Any]]:
        """Codes, which all differ, and notices, which do not."""
        return [quick_job(self._phone(), message=self._text()) for _ in range(number)]

    def watched(self) -> dict[str, Any]:
        return quick_job(_WATCHED, message="Messages arrive")

    def campaign(self, name: str) -> dict[str, Any]:
        volume, draw = self.volume, self._random
        odd = [f"no phone {n}" for n in range(round(volume.recipients * _INVALID))]
        twice = round(volume.recipients * _TWICE)
        phones = [f"37529{n}" for n in draw.sample(self._people, volume.recipients - len(odd) - twice)]
        people, text = [*phones, *phones[:twice], *odd], f"{name}: everything at half the price"
        return bulk_job(people, text=text, topic=draw.choice(_TOPICS))

    def _phone(self) -> str:
        return f"37529{self._random.choice(self._people)}"

    def _text(self) -> str:
        code = self._random.randrange(1_000, 10_000)
        return f"Your code is {code}" if self._random.random() < 0.7 else "Your order is ready"
