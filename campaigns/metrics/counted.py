"""Samples of the numbers that scripts raise. Pure: hashes in, samples out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from campaigns.ledger.records import MILLION
from campaigns.ledger.states import ACCEPTED, EXCLUDED, SETTLED
from campaigns.measures import ACCEPTANCE, ARRIVAL, REQUEST, SEEING, Histogram
from campaigns.metrics.described import (
    ACCEPTED_SECONDS,
    ANSWERS,
    ARRIVAL_SECONDS,
    BATCHES,
    BY_THEMSELVES,
    CHARGED,
    DELIVERIES,
    DOUBLE,
    EVENTS,
    EXPECTED,
    LISTED,
    MOVES,
    ODD,
    OPEN,
    OUTCOMES_OF_RECIPIENTS,
    RECIPIENTS,
    RECIPIENTS_NOW,
    REPLIES,
    REQUEST_SECONDS,
    REQUESTS,
    SEEING_SECONDS,
    TAKEN_BACK,
    Metric,
    Sample,
    Spread,
)

#: Field → number, of one account.
Numbers = Mapping[str, int]

#: Measures whose labels, behind the account, are those of the metric.
_PLAIN: Final[dict[str, Metric]] = {
    "request": REQUESTS,
    "permit": ANSWERS,
    "batches": MOVES,
    "double": DOUBLE,
    "status": DELIVERIES,
    "odd": ODD,
    "replies": REPLIES,
}
#: The same of money, which is counted in millionths.
_MONEY: Final[dict[str, Metric]] = {"charged": CHARGED, "taken_back": TAKEN_BACK}
#: Measures of time, summed up over the accounts.
_SPREAD: Final[tuple[tuple[Histogram, Metric], ...]] = (
    (REQUEST, REQUEST_SECONDS),
    (ACCEPTANCE, ACCEPTED_SECONDS),
    (ARRIVAL, ARRIVAL_SECONDS),
    (SEEING, SEEING_SECONDS),
)
#: A field's measure → its labels → the number.
_Read = Mapping[str, Mapping[tuple[str, ...], int]]


def counted(numbers: Mapping[str, Numbers], message_cost: Decimal | None = None) -> Iterator[Sample]:
    """Account → its numbers, as samples; those of '' belong to no account. `message_cost`: the price that is expected.

    Unknown fields, which another version wrote, are left out.
    """
    read = {account: _by_measure(fields) for account, fields in numbers.items()}
    for account, of in read.items():
        if account:
            yield from _of_account(account, of, message_cost)
    yield from (Sample(EVENTS, labels, number) for labels, number in read.get("", {}).get("event", {}).items())
    for histogram, metric in _SPREAD:
        times = Counter[tuple[str, ...]]()
        for of in read.values():
            times.update(of.get(histogram.measure, {}))
        yield from _spreads(metric, histogram, times)


def _by_measure(fields: Numbers) -> _Read:
    of: dict[str, dict[tuple[str, ...], int]] = defaultdict(dict)
    for field, number in fields.items():
        measure, *labels = field.split("|")
        of[measure][tuple(labels)] = number
    return of


def _of_account(account: str, of: _Read, message_cost: Decimal | None) -> Iterator[Sample]:
    for measure, metric in _PLAIN.items():
        yield from (Sample(metric, (account, *labels), number) for labels, number in of.get(measure, {}).items())
    for measure, metric in _MONEY.items():
        amounts = of.get(measure, {}).items()
        yield from (Sample(metric, (account, *labels), micro / MILLION) for labels, micro in amounts)
    yield from _batches(account, of.get("batches", {}))
    yield from _recipients(account, of.get("recipients", {}))
    if message_cost is not None:
        there = _balance(of.get("recipients", {}))
        yield Sample(EXPECTED, (account,), float(message_cost * (there[ACCEPTED] + there[SETTLED])))


def _batches(account: str, moves: Mapping[tuple[str, ...], int]) -> Iterator[Sample]:
    """But those that are listed one by one: what is held may expire in that state."""
    there = _balance(moves)
    yield from (Sample(BATCHES, (account, state), there[state]) for state in OPEN if state not in LISTED)


def _recipients(account: str, moves: Mapping[tuple[str, ...], int]) -> Iterator[Sample]:
    """Moves by kind, from and to."""
    for kind in sorted({kind for kind, *_ in moves}):
        of: dict[tuple[str, ...], int] = {tuple(move): n for (which, *move), n in moves.items() if which == kind}
        there, outcomes = _balance(of), Counter[str]()
        for (before, after), number in of.items():
            outcomes[_outcome(before, after)] += number
        yield from (Sample(RECIPIENTS_NOW, (account, kind, state), there[state]) for state in BY_THEMSELVES)
        yield from (Sample(RECIPIENTS, (account, kind, name), outcomes[name]) for name in OUTCOMES_OF_RECIPIENTS)


def _outcome(before: str, after: str) -> str:
    """What it is to a recipient that a batch moves so. Planned are those who come in, in whatever state that is."""
    if not before and after not in EXCLUDED:
        return "planned"
    return "" if after == "planned" else after


def _balance(moves: Mapping[tuple[str, ...], int]) -> Counter[str]:
    """How many are in each state after all moves. A move's last two labels are where from and where to."""
    there = Counter[str]()
    for (*_, before, after), number in moves.items():
        there[before] -= number
        there[after] += number
    return there


def _spreads(metric: Metric, histogram: Histogram, seen: Mapping[tuple[str, ...], int]) -> Iterator[Sample]:
    """One spread for each set of labels. The last label is a bucket's bound, or `sum`."""
    for labels in sorted({of[:-1] for of in seen}):
        buckets = {of[-1]: number for of, number in seen.items() if of[:-1] == labels}
        yield Sample(metric, labels, _spread(histogram.bounds_s, buckets))


def _spread(bounds_s: Iterable[float], buckets: dict[str, int]) -> Spread:
    """Bounds of another version count where they fall among these."""
    sum_s = buckets.pop("sum", 0) / 1000
    up_to = tuple(sum(number for le, number in buckets.items() if float(le) <= bound) for bound in bounds_s)
    return Spread(up_to, sum(buckets.values()), sum_s)
