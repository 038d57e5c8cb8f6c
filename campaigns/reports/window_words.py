"""The window of a campaign in words, for every language of the page. Pure."""

from __future__ import annotations

from campaigns.reports.language import Said, said
from campaigns.times.windows import RECIPIENT, WEEKDAYS, Window, clock_words


def window_words(window: Window) -> Said:
    """`09:00 to 20:00 on mon, tue in Europe/Minsk`, as `str(window)` has it, to be said in the language of the page."""
    opens, closes = window.between
    zone: object = said("all zones of the recipient's country") if window.zone == RECIPIENT else window.zone
    hours = {"start": clock_words(opens), "end": clock_words(closes), "zone": zone}
    if len(window.on) == len(WEEKDAYS):
        return said("{start} to {end} in {zone}", **hours)
    days = tuple(said(WEEKDAYS[day]) for day in sorted(window.on))
    return said("{start} to {end} on {days} in {zone}", **hours, days=days)
