"""What the command prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.rig.month.census import Census
from tests.rig.month.judging import PER_CAMPAIGN, bounds, first_steady_day, growth
from tests.rig.month.simulation import Day, Plan, Simulation

_MB = 1_000_000


def line(day: Day) -> str:
    """One day: memory, keys, events, pauses, trouble, and the classes that are made anew for every campaign."""
    found = day.census
    return (
        f"day {day.number:3}: memory {found.memory / _MB:8.1f} MB, resident {found.resident / _MB:8.1f} MB, "
        f"{found.keys:8} keys, {found.of('events').members:6} events, sending paused at {day.paused} looks, "
        f"trouble {day.trouble or 'none'}, {day.took_s:.1f} s; {_by_class(found)}"
    )


def _by_class(found: Census) -> str:
    many = sorted(((kind.keys, name) for name, kind in found.classes.items() if name in PER_CAMPAIGN), reverse=True)
    return ", ".join(f"{keys} {name}" for keys, name in many)


def table(plan: Plan, days: Sequence[Day]) -> Iterator[str]:
    """Keys by class while there was traffic, and at the end; `largest`: members of the largest key of each."""
    busy, end, allowed = [day.census for day in days if day.number <= plan.days], days[-1].census, bounds(plan)
    yield _row("keys", "first day", "most", "bound", "last day", "end", "largest")
    for name in sorted({name for day in days for name in day.census.classes}):
        most = max(census.of(name).keys for census in busy)
        largest = max(census.of(name).largest for census in busy)
        bound = allowed.get(name, "few")
        yield _row(name, busy[0].of(name).keys, most, bound, busy[-1].of(name).keys, end.of(name).keys, largest)


def _row(name: str, *cells: object) -> str:
    return f"{name:>16}" + "".join(f"{cell!s:>11}" for cell in cells)


def sums(plan: Plan, days: Sequence[Day], simulated: Simulation) -> str:
    """The books, and how much memory grew after retention set in."""
    books = simulated.books
    steady = [day.census.memory for day in days if first_steady_day(plan) <= day.number <= plan.days]
    grown = f"{growth(steady):+.1%}" if len(steady) > 1 else "not seen"
    refused = "".join(f" ({why})" for why in sorted(set(simulated.refused)))
    return (
        f"{books.campaigns} campaigns, {books.recipients} recipients: {books.excluded} excluded, "
        f"{books.settled} settled, {books.unsettled} campaigns unsettled, {len(simulated.refused)} jobs refused{refused}; "
        f"{books.replies} replies; {sum(simulated.gateway.requests.values())} requests; {simulated.read} events read; "
        f"memory after retention set in: {grown}"
    )
