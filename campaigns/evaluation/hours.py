"""The time of day at which something happened, by the clocks of a zone. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, tzinfo
from typing import Final

_HOURS: Final = 24
#: Of fewer reads the hours say little: the share of one hour among fifty is known to about ten points.
FEWEST: Final = 50
#: Zones are ahead of UTC by whole quarters of an hour.
_QUARTER_MS: Final = 900_000
#: The most quarters kept before they are counted by their hour: three months.
_MOST_QUARTERS: Final = 8192


class Hours:
    """Counts by hour of the day, in memory that does not grow with the number of times."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._quarters: Counter[int] = Counter()
        self._counts = [0] * _HOURS

    def add(self, at_ms: int) -> None:
        """Count a time, unix milliseconds."""
        self._quarters[at_ms // _QUARTER_MS] += 1
        if len(self._quarters) > _MOST_QUARTERS:
            self._settle()

    @property
    def counts(self) -> tuple[int, ...]:
        """24 counts, from the hour that begins at midnight. Times that no calendar has are left out."""
        self._settle()
        return tuple(self._counts)

    def _settle(self) -> None:
        for quarter, number in self._quarters.items():
            try:
                hour = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, tz=self._zone).hour
            except (ValueError, OverflowError, OSError):
                continue
            self._counts[hour] += number
        self._quarters.clear()


def busiest(counts: tuple[int, ...]) -> tuple[int, int] | None:
    """The hour of the day with the highest count, and that count; None if there are fewer than FEWEST in all."""
    if sum(counts) < FEWEST:
        return None
    hour = max(range(_HOURS), key=lambda hour: counts[hour])
    return hour, counts[hour]
