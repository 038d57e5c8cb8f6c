"""Zoning: divides recipients by time zone, so that each batch has one window. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from campaigns.planning.batching import Row
from campaigns.recipients import countries_of, has_zones, one_country, zones_in
from campaigns.times.windows import RECIPIENT, Window, ever_opens, next_opening, openings, packed_openings

_HOUR_MS: Final = 3_600_000
#: The most countries that an error names.
_NAMED: Final = 10


class Zoning:
    """The zones of one job's recipients. A job without a window has none, and its recipients are not divided.

    A zone is the name of a time zone, or a country. The window of a country is open while it is open in all its zones.
    """

    def __init__(self, window: Window | None, now_ms: int) -> None:
        self.window = window
        self._now_ms = now_ms
        self._openings: dict[str, str] = {}
        self._never_open: dict[str, None] = {}
        if window is not None and window.zone != RECIPIENT:
            self._enter(window, window.zone)

    @property
    def openings(self) -> dict[str, str]:
        """For each zone the openings of its window, in the form that scripts read."""
        return self._openings

    def parts(self, rows: Sequence[Row]) -> Iterator[tuple[str, Sequence[Row]]]:
        """The rows of each zone; all rows under '' if they are not divided."""
        if self.window is None or self.window.zone != RECIPIENT:
            yield "", rows
            return
        phones = [_phone(row) for row in rows]
        if (only := one_country(phones)) is not None:
            self._enter(self.window, only)
            yield only, rows
            return
        found: dict[str, list[Row]] = {}
        for row, country in zip(rows, countries_of(phones), strict=True):
            found.setdefault(country, []).append(row)
        for country in found:
            self._enter(self.window, country)
        yield from found.items()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Fields of the job that do not fit its recipients, and why. Complete after all rows went through `parts`."""
        if self._never_open:
            where = _few(country or "of no country" for country in self._never_open)
            yield (
                "send_zone",
                f"the window is never open in all zones of a country at once ({where}): widen it or name a zone",
            )

    def not_before_ms(self, zone: str, schedule_ms: int, lead_ms: int) -> int:
        """When a mailing for `schedule_ms` may be sent to the gateway (unix ms): `lead_ms` before its time or, if the
        window is closed at that time, when it opens next."""
        early_ms = max(0, schedule_ms - lead_ms)
        return early_ms if self.window is None else self._fitting(self.window, zone, schedule_ms, early_ms)

    def _fitting(self, window: Window, zone: str, schedule_ms: int, early_ms: int) -> int:
        known = openings(window, zones_in(zone or window.zone), schedule_ms)
        found = next_opening(known, schedule_ms)
        return early_ms if found is None or found[0] <= schedule_ms else found[0]

    def _enter(self, window: Window, zone: str) -> None:
        if zone in self._openings or zone in self._never_open:
            return
        if found := _written_out(window, zone, self._now_ms // _HOUR_MS * _HOUR_MS):
            self._openings[zone] = found
        else:
            self._never_open[zone] = None


@lru_cache(maxsize=256)
def _written_out(window: Window, zone: str, from_ms: int) -> str:
    """The openings of a window, in the form that scripts read; '' if it never opens. Cached for single messages, which
    ask for it thousands of times."""
    if window.zone == RECIPIENT and not has_zones(zone):
        return ""
    zones = zones_in(zone)
    return packed_openings(openings(window, zones, from_ms)) if ever_opens(window, zones, from_ms) else ""


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def _phone(row: Row) -> str:
    return row if isinstance(row, str) else row["phone"]
