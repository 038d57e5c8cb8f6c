"""Zoning: recipients apart by the clocks that their messages go by, so that each batch has one window. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from campaigns.planning.batching import Row
from campaigns.recipients import countries_of, has_zones, one_country, zones_in
from campaigns.times.windows import RECIPIENT, Window, ever_opens, next_opening, openings, packed_openings

_HOUR_MS: Final = 3_600_000
#: So many countries are named in an error.
_NAMED: Final = 10


class Zoning:
    """The zones of one job's recipients. Without a window there are none, and nobody is kept apart.

    A zone is the name of one, or a country: then its window is open while it is so in all zones of the country.
    """

    def __init__(self, window: Window | None, now_ms: int) -> None:
        self.window = window
        self._now_ms = now_ms
        self._openings: dict[str, str] = {}
        self._without: dict[str, None] = {}
        if window is not None and window.zone != RECIPIENT:
            self._enter(window, window.zone)

    @property
    def openings(self) -> dict[str, str]:
        """Of each zone when its window is open, as scripts read it."""
        return self._openings

    def parts(self, rows: Sequence[Row]) -> Iterator[tuple[str, Sequence[Row]]]:
        """Rows by their zone; '' for all where they are not kept apart."""
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

    def problems(self, *, paced: bool) -> Iterator[tuple[str, str]]:
        """Fields of the job that do not go with its recipients, and why, once all were seen. `paced`: it has a rate."""
        if self._without:
            where = _few(country or "of no country" for country in self._without)
            yield (
                "send_zone",
                f"no moment fits all zones of a country ({where}): widen the window or name a zone",
            )
        if paced and len(self._openings) > 1:
            yield "rate", f"cannot be kept in several zones at once ({_few(self._openings)}): name one in send_zone"

    def not_before_ms(self, zone: str, schedule_ms: int, lead_ms: int) -> int:
        """When a mailing for `schedule_ms` may be handed over: `lead_ms` before, or when the window opens after it."""
        early_ms = max(0, schedule_ms - lead_ms)
        return early_ms if self.window is None else self._fitting(self.window, zone, schedule_ms, early_ms)

    def _fitting(self, window: Window, zone: str, schedule_ms: int, early_ms: int) -> int:
        known = openings(window, zones_in(zone or window.zone), schedule_ms)
        found = next_opening(known, schedule_ms)
        return early_ms if found is None or found[0] <= schedule_ms else found[0]

    def _enter(self, window: Window, zone: str) -> None:
        if zone in self._openings or zone in self._without:
            return
        if found := _written_out(window, zone, self._now_ms // _HOUR_MS * _HOUR_MS):
            self._openings[zone] = found
        else:
            self._without[zone] = None


@lru_cache(maxsize=256)
def _written_out(window: Window, zone: str, from_ms: int) -> str:
    """Its openings, as scripts read them; '' if it never opens. Kept, since thousands of single messages ask for it."""
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
