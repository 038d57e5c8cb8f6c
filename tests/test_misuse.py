"""Arguments of the public functions that are wrong: each is refused by name, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from campaigns.budgets import lower_budget, raise_budget
from campaigns.consume import consume
from campaigns.enqueue import enqueue
from campaigns.errors import JobError
from campaigns.events import Groups
from campaigns.ledger import EVERYTHING
from campaigns.optouts import add, remove
from campaigns.preview import preview
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


@pytest.mark.parametrize("change", [raise_budget, lower_budget])
@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("ten", "'ten' is not an amount such as 250 or Decimal('99.50')"),
        ("1,000", "'1,000' is not an amount"),
        (None, "'None' is not an amount"),
        ((1,), "is not an amount"),
        ("nan", "'nan' is not an amount"),
        (Decimal("Infinity"), "is not an amount"),
        (-5, "the budget must not be negative"),
        ("-0.01", "the budget must not be negative"),
        (Decimal("0.1234567"), "the budget must have at most six decimals"),
        (10**10, "the budget must not be more than 1,000,000,000"),
    ],
)
def test_an_amount_that_is_none(
    make_stage: Callable[..., Stage], change: Callable[..., Any], amount: Any, words: str
) -> None:
    services = make_stage(message_cost=Decimal("0.049"), daily_budget=Decimal(20)).services
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are compared below)
        change(services, "default", amount, why="x")
    assert words in str(caught.value)
    assert list(services.events.since("-")) == []


def test_one_phone_in_place_of_several(stage: Stage) -> None:
    """A text is a phone, not the list of its characters."""
    phone = phones(1)[0]
    assert add(stage.services, f"+{phone}") == 1
    assert list(stage.services.optouts.members(EVERYTHING)) == [phone]
    assert remove(stage.services, phone) == 1
    with pytest.raises(ValueError, match="not a phone number"):
        add(stage.services, "nobody")


@pytest.mark.parametrize("group", ["", "  "])
def test_a_group_without_a_name(stage: Stage, group: str) -> None:
    with pytest.raises(ValueError, match="the group must have a name"):
        consume(group, settings=stage.services.settings)
    assert list(Groups(stage.services.store).all()) == []


def alone() -> dict[str, Any]:
    """A job whose recipients come beside it."""
    job = bulk_job([])
    del job["messages"][0]["delivery_list"]
    return job


@pytest.mark.parametrize("door", [enqueue, preview])
@pytest.mark.parametrize("recipients", [5, 0, True, b"375291111111", {"phone": "375291111111"}])
def test_recipients_that_are_none(stage: Stage, door: Callable[..., Any], recipients: Any) -> None:
    """The mistake is named by the argument, together with the job's own."""
    for more, others in ({}, []), ({"mesage": "x"}, ["mesage"]):
        with pytest.raises(JobError) as caught:
            door(stage.services, alone() | more, recipients=recipients)
        assert caught.value.errors["recipients"] == [
            "must be a list or an iterable of recipients, or the path of a file"
        ]
        assert sorted(caught.value.errors) == sorted(["recipients", *others])
    with pytest.raises(JobError) as caught:
        door(stage.services, alone(), recipients=recipients, encoding="utf-8")
    assert sorted(caught.value.errors) == ["encoding", "recipients"]


def test_a_path_that_cannot_be_read(stage: Stage, tmp_path: Path) -> None:
    """It is named as it was handed in."""
    missing = tmp_path / "missing.csv"
    for path, words in (("/tmp", "/tmp: Is a directory"), (missing, f"{missing}: No such file or directory")):
        with pytest.raises(JobError) as caught:
            enqueue(stage.services, alone(), recipients=path)
        assert caught.value.lines == [f"recipients: {words}"]
