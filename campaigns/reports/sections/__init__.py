"""The sections of the page, in their order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from campaigns.reports.markup import Markup
from campaigns.reports.sections.failures import failures
from campaigns.reports.sections.funnel import classes, funnel
from campaigns.reports.sections.glance import glance
from campaigns.reports.sections.mailings import contents, mailings
from campaigns.reports.sections.money import cost
from campaigns.reports.sections.parts import View
from campaigns.reports.sections.people import excluded, opt_outs, replies
from campaigns.reports.sections.still_open import still_open
from campaigns.reports.sections.times import over_time, reading_hours

__all__ = ["View", "sections"]

_SECTIONS: Final[Sequence[Callable[[View], Markup | None]]] = (
    mailings,
    contents,
    funnel,
    reading_hours,
    failures,
    cost,
    still_open,
    opt_outs,
    excluded,
    over_time,
    classes,
    replies,
)


def sections(view: View) -> list[Markup]:
    """The sections of the page that have something to show. The first one links to the others."""
    shown = [part for section in _SECTIONS if (part := section(view)) is not None]
    first = glance(view, frozenset(part.partition(' id="')[2].partition('"')[0] for part in shown))
    return [first, *shown] if first is not None else shown
