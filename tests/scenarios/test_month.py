"""A month of traffic in short: `python -m tests.rig.month` makes it as large as you like."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from campaigns.names import CONTROL
from campaigns.store.keys import Keys
from tests.rig.month.__main__ import run
from tests.rig.month.books import Books
from tests.rig.month.census import UNNAMED, Census, Class, Classes
from tests.rig.month.judging import first_steady_day, verdict
from tests.rig.month.simulation import DAY_S, Day, Plan
from tests.rig.month.traffic import Volume
from tests.support.clocks import settable

PLAN = Plan(Volume(singles=200, campaigns=3, recipients=1000), retention_s=14 * DAY_S, step_s=7200.0)


@settable
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("group", [False, True])
def test_a_hundredth_of_the_traffic(*, group: bool) -> None:
    """Thirty-three days: memory is flat, nothing pauses, everything is settled, and in the end nothing is left."""
    assert run(replace(PLAN, group=group, events_cap=1_000)) == []


def month(**of_a_day: int) -> list[Day]:
    """Days on which nothing is wrong: each with 1,000 bytes, and so many keys of some classes, of 10 members each."""
    classes = {name: Class(keys, 10 * keys, 10) for name, keys in of_a_day.items()}
    busy = [Day(number, Census(1_000, 2_000, dict(classes)), 0.1) for number in range(1, PLAN.days + 1)]
    return [*busy, Day(PLAN.days + 1, Census(100, 2_000), 0.1)]


def books() -> Books:
    jobs = PLAN.days * PLAN.jobs_a_day
    return Books(campaigns=jobs, recipients=10 * jobs, excluded=jobs, settled=9 * jobs, replies=7)


def judged(days: list[Day], of: Books | None = None) -> list[str]:
    of = of or books()
    return verdict(PLAN, days, of, refused=0, paid=9 * PLAN.days * PLAN.jobs_a_day, marked=7)


class TestVerdict:
    """What is wrong is said, one thing at a time."""

    def test_all_is_well(self) -> None:
        assert judged(month(campaign=100, events=1, account=1)) == []

    def test_memory_grows(self) -> None:
        days = month()
        for day in days[first_steady_day(PLAN) - 1 : PLAN.days]:
            day.census.memory += 10 * day.number
        (line,) = judged(days)
        assert line == "memory grows by 4.8% after retention set in"

    def test_too_short_to_tell(self) -> None:
        short = replace(PLAN, days=first_steady_day(PLAN) + 2)
        days, jobs = month()[: short.days], short.days * short.jobs_a_day
        lines = verdict(short, days, Books(campaigns=jobs), refused=0, paid=0, marked=0)
        assert lines == ["3 days after retention set in are too few to see whether memory is flat"]

    def test_a_set_that_grows(self) -> None:
        """Each day one member more: the sum of all memory hardly shows it."""
        days = month(lookalikes=40)
        for day in days[: PLAN.days]:
            day.census.classes["lookalikes"] = Class(40, 40, 24 * day.number)
        (line,) = judged(days)
        assert line == "a key of lookalikes grew from 648 members to 792 after retention set in"

    def test_more_keys_than_may_live(self) -> None:
        (line,) = judged(month(batch=PLAN.batches_a_day * 22 + 1))
        assert line == f"{PLAN.batches_a_day * 22 + 1} keys of batch, of which there may be {PLAN.batches_a_day * 22}"

    def test_keys_without_a_name(self) -> None:
        assert judged(month(**{UNNAMED: 2})) == ["2 keys that campaigns/store/keys.py does not name"]

    def test_more_events_than_the_cap(self) -> None:
        days = month()
        days[4].census.classes["events"] = Class(1, 120_000, 120_000)
        assert judged(days) == ["a key of events has 120000 members, of which there may be 110000"]

    def test_trouble(self) -> None:
        days = month()
        days[-1].trouble["sending.paused"] = 2
        assert judged(days) == ["2 events sending.paused"]

    def test_open_books(self) -> None:
        found = replace(books(), unsettled=1, wrong=["one is ready"], settled=8, replies=6, campaigns=3)
        lines = judged(month(), found)
        assert [sentence.partition(" ")[0] for sentence in lines] == ["one", "1", "3", "8", "6"]

    def test_what_is_left_at_the_end(self) -> None:
        days = month()
        days[-1].census.classes |= {"body": Class(3, 3, 1), "events": Class(1, 5, 5), "due": Class(1, 3, 3)}
        assert judged(days) == [
            "3 keys of body are left at the end",
            "5 events are left at the end",
            "3 entries are due at the end",
        ]


def test_every_key_has_a_class() -> None:
    """The one that the method gave it, also where an application chose a part of the name."""
    keys, classes = Keys("p:"), Classes("p:")
    for name, method in inspect.getmembers(keys, inspect.ismethod):
        if not name.startswith("_") and name != "permits":
            assert classes.of(method(*["part"] * len(inspect.signature(method).parameters))) == name
    assert classes.of(keys.due(CONTROL)) == "due"
    assert classes.of(keys.metrics()) == "metrics"
    assert classes.of(keys.permits("shop") + ":slots") == "permits"
    assert classes.of(keys.job_key("order:17")) == "job_key"
    assert classes.of("p:campaigns:a") == UNNAMED
