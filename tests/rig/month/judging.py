"""What a month must show: a verdict by figures alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import mean

from tests.rig.month.books import Books
from tests.rig.month.census import UNNAMED, Census
from tests.rig.month.simulation import DAY_S, FOLLOWED_DAYS, LOOKALIKES_S, Day, Plan

#: Memory is flat where the later half of the days after retention set in holds at most so much more than the earlier.
FLAT = 0.03
#: So much more a key of a class may hold than the largest of the earlier half, and members besides.
_GROWN, _FEW_MEMBERS = 1.15, 16
#: Other classes than those below have so many keys at most.
_FEW_KEYS = 32
#: Opt-outs stay for ever, and replies add to them.
GROWING = frozenset({"optouts", "optouts_why", "optouts_of"})
#: What a key holds at most, where it has a bound of its own; of the others it is judged whether they grow.
BOUNDED = {"known": 1_000, "awaited": 10_000}
#: What a store keeps that nothing is sent from any more.
PERMANENT = frozenset(
    {
        *(
            "account",
            "optouts",
            "optouts_counter",
            "optouts_why",
            "optouts_of",
            "optout_scopes",
            "events",
            "stream",
            "audit",
            "submissions",
        ),
        *("due", "primary", "clock", "layout", "metrics", "callback_secret", "replicated"),
        # These live a minute at most.
        *("heartbeat", "beats", "taken", "turn", "workers", "turns", "full_turns", "bells"),
    }
)
#: Entries of the control queue that come back for ever: sweeping and trimming.
_DUE_FOR_EVER = 2


#: Classes that are made anew for every campaign, and for every batch.
_OF_CAMPAIGNS = ("campaign", "excluded", "replies", "image", "job_key")
_OF_BATCHES = ("batch", "body", "deliveries", "message")
PER_CAMPAIGN = frozenset({*_OF_CAMPAIGNS, *_OF_BATCHES, "lookalikes"})


def verdict(plan: Plan, days: Sequence[Day], books: Books, *, refused: int, paid: int, marked: int) -> list[str]:
    """What is wrong, a sentence each; nothing if all is well.

    `refused`: jobs that `enqueue` refused; `paid`: messages that the gateway took; `marked`: replies that were fetched.
    """
    steady = [day for day in days if first_steady_day(plan) <= day.number <= plan.days]
    return [
        *_of_trouble(days),
        *_of_books(plan, books, refused, paid, marked),
        *_of_memory([day.census.memory for day in steady]),
        *_of_bounds(plan, [day for day in days if day.number <= plan.days]),
        *_of_sizes(plan, [day.census for day in days]),
        *_of_growth([day.census for day in steady]),
        *_of_the_end(days[-1].census),
    ]


def first_steady_day(plan: Plan) -> int:
    """The first day by whose end all of the first day has expired."""
    return plan.life_days + 1


def growth(values: Sequence[float]) -> float:
    """By which share the later half of some values is above the earlier half."""
    half = len(values) // 2
    return mean(values[-half:]) / mean(values[:half]) - 1


def bounds(plan: Plan) -> dict[str, int]:
    """How many keys each class made anew for every campaign may have, by what a day makes and how long it lives."""
    lived = plan.life_days + 1
    lookalikes = round(LOOKALIKES_S / DAY_S) + 1
    campaigns, batches = plan.jobs_a_day, plan.batches_a_day
    return {
        **dict.fromkeys(_OF_CAMPAIGNS, campaigns * lived),
        **dict.fromkeys(_OF_BATCHES, batches * lived),
        "lookalikes": batches * lookalikes,
    }


def _of_trouble(days: Sequence[Day]) -> Iterator[str]:
    for kind, count in days[-1].trouble.items():
        yield f"{count} events {kind}"


def _of_books(plan: Plan, books: Books, refused: int, paid: int, marked: int) -> Iterator[str]:
    yield from books.wrong
    if books.unsettled:
        yield f"{books.unsettled} campaigns are not settled {FOLLOWED_DAYS} days later"
    if books.campaigns + refused != plan.days * plan.jobs_a_day:
        yield f"{books.campaigns} campaigns are in the books and {refused} refused, of {plan.days * plan.jobs_a_day}"
    if books.settled != paid:
        yield f"{books.settled} messages are settled, and the gateway took {paid}"
    if books.replies != marked:
        yield f"{books.replies} replies are stored, and {marked} were fetched"


def _of_memory(used: Sequence[int]) -> Iterator[str]:
    if len(used) < 4:
        yield f"{len(used)} days after retention set in are too few to see whether memory is flat"
    elif growth(used) > FLAT:
        yield f"memory grows by {growth(used):.1%} after retention set in"


def _of_bounds(plan: Plan, days: Sequence[Day]) -> Iterator[str]:
    most, allowed = _most([day.census for day in days]), bounds(plan)
    for name, keys in sorted(most.items()):
        if name == UNNAMED:
            yield f"{keys} keys that campaigns/store/keys.py does not name"
        elif keys > allowed.get(name, _FEW_KEYS):
            yield f"{keys} keys of {name}, of which there may be {allowed.get(name, _FEW_KEYS)}"


def _most(found: Iterable[Census]) -> dict[str, int]:
    most: dict[str, int] = {}
    for census in found:
        for name, kind in census.classes.items():
            most[name] = max(most.get(name, 0), kind.keys)
    return most


def _of_sizes(plan: Plan, found: Sequence[Census]) -> Iterator[str]:
    # What is above the cap goes with the next trimming.
    for name, most in {**BOUNDED, "events": round(1.1 * plan.events_cap)}.items():
        largest = max(census.of(name).largest for census in found)
        if largest > most:
            yield f"a key of {name} has {largest} members, of which there may be {most}"


def _of_growth(steady: Sequence[Census]) -> Iterator[str]:
    """Keys that go on growing, such as a set from which nothing is removed."""
    half, unjudged = len(steady) // 2, GROWING | {*BOUNDED, "events"}
    for name in sorted({name for census in steady for name in census.classes} - unjudged):
        before, after = ([census.of(name).largest for census in part] for part in (steady[:half], steady[-half:]))
        if before and max(after) > _GROWN * max(before) + _FEW_MEMBERS:
            yield f"a key of {name} grew from {max(before)} members to {max(after)} after retention set in"


def _of_the_end(last: Census) -> Iterator[str]:
    for name, kind in sorted(last.classes.items()):
        if name not in PERMANENT:
            yield f"{kind.keys} keys of {name} are left at the end"
    if last.of("events").members:
        yield f"{last.of('events').members} events are left at the end"
    if last.of("due").members > _DUE_FOR_EVER:
        yield f"{last.of('due').members} entries are due at the end"
