"""A person changes what an account may spend today: all obey at once, and only today."""

from __future__ import annotations

from decimal import Decimal
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.budgets import daily_budget, lower_budget, raise_budget
from campaigns.cli.doctor.gateway import account_budgets
from campaigns.client import Client
from campaigns.errors import ConfirmationError
from campaigns.ledger import Audit
from campaigns.preview import preview
from campaigns.store.commands import Redis
from tests.support.budgets import DAY_MS, PRICE, Make, events_of, move, sent, settle_down, spend, to_noon, used
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.metrics import scrape, value
from tests.support.stage import Stage


def test_what_waits_goes_out_when_it_is_raised(make: Make) -> None:
    """At once, as far as the new budget goes; the next day the settings count again."""
    stage = make(4)
    campaign = spend(stage, 20)
    assert sent(stage) == 4
    today = raise_budget(stage.services, "default", PRICE * 12, why="the sale goes on", by="ann")
    assert (today.budget, today.used, today.setting) == (PRICE * 12, PRICE * 4, PRICE * 4)
    settle_down(stage)
    assert (sent(stage), used(stage)) == (12, 12)
    status = campaign.status()
    assert status.account_pause_reason.startswith("the daily budget of 0.588 has no room")
    paused, changed, resumed, again = events_of(stage)
    assert (paused.type, resumed.type, again.type) == ("account.paused", "account.resumed", "account.paused")
    assert (changed.type, changed.subject) == ("account.budget_changed", "default")
    assert again.data["budget"] == "0.588"
    assert changed.data == {
        "budget": "0.588",
        "was": "0.196",
        "setting": "0.196",
        "used": "0.196",
        "until_ms": paused.data["until_ms"],
        "by": "ann",
        "why": "the sale goes on",
    }
    raise_budget(stage.services, "default", PRICE * 12, why="once more", by="bob")
    assert len(events_of(stage)) == 4
    record = next(Audit(stage.services.store).newest())
    assert (record.deed, record.of, record.by, record.why) == (
        "account.budget_changed", "default", "ann", "the sale goes on",
    )  # fmt: skip
    assert record.detail == "0.196 to 0.588"
    move(stage, DAY_MS)
    settle_down(stage)
    assert sent(stage) == 16
    assert daily_budget(stage.services) == (PRICE * 4, PRICE * 4, PRICE * 4, PRICE * 4)


def test_a_lower_one_stops_what_is_under_way(make: Make) -> None:
    """Also below what is spent, and a worker with higher settings obeys too; what costs more is not let through."""
    stage, richer = make(100), make(1000)
    to_noon(stage)
    stage.finish(stage.enqueue(bulk_job(phones(8))))
    lower_budget(stage.services, "default", PRICE * 3, why="a mistake in the text", by="ann")
    campaign = stage.enqueue(bulk_job(phones(8, start=50), text="waits"))
    settle_down(stage)
    settle_down(richer)
    assert (sent(stage), campaign.status().recipients["planned"]) == (8, 8)
    assert "the daily budget of 0.147 has no room: 0.392" in campaign.status().account_pause_reason
    lower_budget(stage.services, "default", 0, why="nothing more", by="ann")
    settle_down(stage)
    raise_budget(stage.services, "default", PRICE * 12, why="mended", by="bob")
    settle_down(stage)
    assert (sent(stage), used(stage)) == (12, 12)


def test_a_list_waits_for_it_too(make: Make) -> None:
    stage = make(6)
    to_noon(stage)
    stage.finish(stage.enqueue(list_job(1)))
    second = stage.enqueue(list_job(1, message="again"))
    settle_down(stage)
    assert sent(stage) == 4
    raise_budget(stage.services, "default", PRICE * 8, why="one list more", by="ann")
    move(stage, 31_000)
    stage.finish(second)
    assert (sent(stage), used(stage)) == (8, 8)


@pytest.mark.parametrize("setting", [0, Decimal("0.5")])
@pytest.mark.parametrize("jobs", [[bulk_job(phones(40))], [quick_job(*phones(1, start=n)) for n in range(12)]])
def test_where_the_settings_pay_for_nothing_a_person_lets_so_much_go_out(
    make: Make, setting: Decimal, jobs: list[Any]
) -> None:
    stage = make(setting)
    to_noon(stage)
    raise_budget(stage.services, "default", PRICE * 5, why="these five", by="ann")
    for job in jobs:
        stage.enqueue(job)
    settle_down(stage)
    settle_down(stage)
    assert sent(stage) == used(stage) == (4 if len(jobs) == 1 else 5)


def test_lists_too(make: Make) -> None:
    stage = make(0)
    to_noon(stage)
    raise_budget(stage.services, "default", PRICE * 5, why="one list", by="ann")
    for number in range(3):
        stage.enqueue(list_job(1, message=f"again {number}"))
    settle_down(stage)
    move(stage, 31_000)
    settle_down(stage)
    assert (sent(stage), used(stage)) == (4, 4)


@pytest.mark.parametrize("job", [bulk_job(phones(8)), list_job(1)])
def test_a_raised_budget_pays_for_what_the_settings_never_would(make: Make, job: Any) -> None:
    stage = make(3)
    to_noon(stage)
    raise_budget(stage.services, "default", PRICE * 40, why="a sale", by="ann")
    campaign = stage.enqueue(job)
    stage.finish(campaign)
    assert sent(stage) == used(stage) == campaign.status().recipients["settled"]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 9), st.lists(st.integers(0, 12), max_size=3), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_nothing_goes_out_that_was_not_reserved(make: Make, setting: int, changes: list[int], sizes: list[int]) -> None:
    """Whatever the settings give, a person changes and requests cost."""
    stage = make(setting)
    stage.services.store.redis.delete(stage.services.store.keys.money("default"))
    to_noon(stage)
    before, most = sent(stage), setting
    for messages in changes:
        change = raise_budget if messages >= most else lower_budget
        most = messages
        change(stage.services, "default", PRICE * messages, why="x", by="ann")
    for number, size in enumerate(sizes):
        stage.enqueue(bulk_job(phones(size, start=1000 * number + 1), text=f"{uuid4()}"))
    settle_down(stage)
    assert sent(stage) - before == used(stage) <= most
    move(stage, DAY_MS * 40)


def test_everything_shows_it(make: Make) -> None:
    stage = make(4)
    to_noon(stage)
    stage.finish(stage.enqueue(bulk_job(phones(4))))
    raise_budget(stage.services, "default", PRICE * 10, why="more", by="ann")
    assert value(scrape(stage.services), "account_daily_budget", account="default") == pytest.approx(0.49)
    finding = next(one for one in account_budgets(stage.services) if one.what == "budget of default")
    assert finding.found == "0.196 of 0.49 is spent or reserved today; 0.196 by the settings, raised for today"
    shown = preview(stage.services, bulk_job(phones(1)))
    assert (shown.budget, shown.budget_left) == (PRICE * 10, PRICE * 6)


@pytest.mark.parametrize(
    ("account", "amount", "why", "problem"),
    [
        ("default", Decimal("0.1"), "x", "is 0.196 today, which is more than 0.1"),
        ("default", Decimal("0.1234567"), "x", "six decimals"),
        ("default", Decimal("NaN"), "x", "'NaN' is not an amount"),
        ("default", Decimal("-1"), "x", "must not be negative"),
        ("default", 10**12, "x", "must not be more than 1,000,000,000"),
        ("default", 1, " ", "needs a reason"),
        ("shop", 1, "x", "no daily budget"),
        ("defualt", 1, "x", "has no token: set CAMPAIGNS_TOKEN_DEFUALT"),
        ("a/b c", 1, "x", "is not the name of an account"),
    ],
)
def test_nothing_is_raised_by_accident(make: Make, account: str, amount: Any, why: str, problem: str) -> None:
    stage = make(None, account_daily_budgets={"default": PRICE * 4})
    with pytest.raises(ValueError, match=problem):
        raise_budget(stage.services, account, amount, why=why)
    assert events_of(stage) == []
    assert stage.services.store.ask(Redis.exists, stage.services.store.keys.money("default")) == 0


def test_a_higher_amount_is_not_lowered(make: Make) -> None:
    with pytest.raises(ValueError, match="which is less than 1"):
        lower_budget(make(4).services, "default", 1, why="x")


def test_much_more_takes_two_people(make: Make) -> None:
    stage = make(4, confirm_cost=Decimal(1))
    for confirmed_by in ("", " ANN "):
        with pytest.raises(ConfirmationError, match=r"would be 1\.804 higher: another person than Ann"):
            raise_budget(stage.services, "default", 2, why="x", by="Ann", confirmed_by=confirmed_by)
    raise_budget(stage.services, "default", 1, why="less than 1 more", by="Ann")
    raise_budget(stage.services, "default", 3, why="x", by="Ann", confirmed_by="Bob")
    assert next(Audit(stage.services.store).newest()).detail == "1 to 3, confirmed by Bob"


def test_many_small_steps_take_two_people_as_one_large_step(make: Make) -> None:
    stage = make(4, confirm_cost=Decimal(1))
    raise_budget(stage.services, "default", Decimal("1.1"), why="x", by="Ann")
    with pytest.raises(ConfirmationError, match=r"would be 1\.004 higher"):
        raise_budget(stage.services, "default", Decimal("1.2"), why="x", by="Ann")
    raise_budget(stage.services, "default", Decimal("1.2"), why="x", by="Ann", confirmed_by="Bob")
    raise_budget(stage.services, "default", Decimal("2.1"), why="less than 1 more than Bob confirmed", by="Ann")
    with pytest.raises(ConfirmationError, match=r"would be 1\.0 higher"):
        raise_budget(stage.services, "default", Decimal("2.2"), why="x", by="Ann")
    lower_budget(stage.services, "default", Decimal("0.5"), why="a mistake", by="Ann")
    with pytest.raises(ConfirmationError, match=r"would be 1\.0 higher"):
        raise_budget(stage.services, "default", Decimal("1.5"), why="what was confirmed was lowered since", by="Ann")


def test_a_brake_needs_no_second_person(make: Make) -> None:
    """However far today's budget is above that of the settings, and although no second person confirmed it."""
    raise_budget(make(4).services, "default", 20, why="without the setting that asks for a second person", by="Ann")
    careful = make(4, confirm_cost=Decimal(1)).services
    for amount in (10, 0):
        assert lower_budget(careful, "default", amount, why="a mistake", by="Ann").budget == amount


def test_an_account_that_is_misspelt_is_not_lowered(make: Make) -> None:
    with pytest.raises(ValueError, match="has no token"):
        lower_budget(make(4).services, "defualt", 0, why="stop")


def test_nor_by_a_process_that_knows_no_account(make: Make) -> None:
    stage, application = make(4), make(4, accounts={})
    stage.finish(stage.enqueue(bulk_job(phones(4))))
    with pytest.raises(ValueError, match="nothing was ever sent by account 'defualt'"):
        lower_budget(application.services, "defualt", 0, why="stop")
    assert lower_budget(application.services, "default", 0, why="stop").budget == 0


def test_several_at_once(make: Make) -> None:
    """Each raise is of what the others have left: the budget ends with the highest amount, never with a sum."""
    stages = [make(4) for _ in range(6)]
    to_noon(stages[0])

    def act(stage: Stage, amount: int) -> None:
        try:
            Client.over(stage.services).raise_budget("default", amount, why="more", by=str(amount))
        except ValueError:
            assert daily_budget(stage.services) is not None

    threads = [Thread(target=act, args=pair) for pair in zip(stages, range(1, 7), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = daily_budget(stages[0].services)
    assert found is not None
    assert found.budget == 6
    steps = [(event.data["was"], event.data["budget"]) for event in events_of(stages[0])]
    assert [was for was, _ in steps[1:]] == [new for _, new in steps[:-1]]
