"""A request that costs more than the whole budget of a day pauses its campaign: nothing is refused, nothing blocks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from campaigns.budgets import lower_budget, raise_budget
from campaigns.campaign_filters import needs, state_words
from campaigns.cli.output.obstacles import pause_words
from campaigns.preview import preview
from tests.support.budgets import DAY_MS, PRICE, Make, events_of, move, sent, settle_down, spend, to_noon, used
from tests.support.jobs import bulk_job, list_job, phones


@pytest.mark.parametrize("job", [bulk_job(phones(4)), list_job(1)], ids=["bulk", "list"])
def test_a_campaign_with_a_request_that_no_day_can_pay_for_is_paused(make: Make, job: dict[str, Any]) -> None:
    """It would keep all others waiting for ever. Once a person raised the budget and resumes it, it goes out."""
    stage = make(3)
    to_noon(stage)
    campaign = stage.enqueue(job)
    settle_down(stage)
    status = campaign.status()
    assert (used(stage), sent(stage), status.state, status.recipients["planned"]) == (
        0,
        0,
        "paused",
        4,
    )
    reason = "a request costs 0.196, and the whole daily budget is 0.147"
    assert (status.pause_cause, status.paused_by, status.pause_reason) == ("over_budget", "", reason)
    (paused,) = [event for event in stage.events(campaign) if event.type == "campaign.over_budget"]
    assert paused.data == {"from": "ready", "cost": "0.196", "budget": "0.147", "reason": reason}
    stage.finish(stage.enqueue(bulk_job(phones(3, start=50), text="fits")))
    raise_budget(stage.services, "default", PRICE * 7, why="and these", by="ann")
    campaign.resume()
    stage.finish(campaign)
    assert (used(stage), sent(stage), campaign.status().pause_reason) == (7, 7, "")


@pytest.mark.parametrize(("price", "budget"), [("1.2345672", "4.9382691"), ("0.0000001", "0.0000002")])
def test_prices_finer_than_millionths_let_nothing_pass(make: Make, price: str, budget: str) -> None:
    """The dry run counts as the script does."""
    stage = make(None, message_cost=Decimal(price), daily_budget=Decimal(budget))
    to_noon(stage)
    assert preview(stage.services, bulk_job(phones(12))).over_budget == 3
    campaign = stage.enqueue(bulk_job(phones(12)))
    settle_down(stage)
    assert (sent(stage), used(stage), campaign.status().pause_cause) == (0, 0, "over_budget")


def test_what_no_day_pays_for_reserves_nothing(make: Make) -> None:
    stage = make(None, account_daily_budgets={"default": PRICE * 3})
    to_noon(stage)
    raise_budget(stage.services, "default", PRICE * Decimal("3.5"), why="x", by="ann")
    assert preview(stage.services, bulk_job(phones(8))).over_budget == 2
    campaign = stage.enqueue(bulk_job(phones(8)))
    settle_down(stage)
    assert (sent(stage), used(stage), campaign.status().recipients["planned"]) == (0, 0, 8)
    assert campaign.status().pause_reason == "a request costs 0.196, and the whole daily budget is 0.1715"


@pytest.mark.parametrize("job", [bulk_job(phones(8)), list_job(1, message="once more")])
@pytest.mark.parametrize("lowered", [True, False])
def test_what_a_raised_budget_let_in_is_kept_when_that_is_over(make: Make, job: Any, lowered: bool) -> None:
    """At midnight, or when a person stops the account: it pauses or waits, and nothing of it is refused."""
    stage = make(3)
    to_noon(stage)
    raise_budget(stage.services, "default", PRICE * 4, why="a sale", by="ann")
    stage.finish(stage.enqueue(bulk_job(phones(4, start=500), text="before")))
    campaign = stage.enqueue(job)
    settle_down(stage)
    if lowered:
        lower_budget(stage.services, "default", 0, why="a mistake", by="ann")
    move(stage, 31_000 if lowered else DAY_MS)
    settle_down(stage)
    status = campaign.status()
    # Of a list one message must have room before its size is known.
    assert (sent(stage), status.state) == (4, "ready" if lowered and job.get("kind") == "list" else "paused")
    assert {state for state, number in status.requests.items() if number} == {"planned"}


@pytest.mark.clear_listing
@pytest.mark.parametrize("job", [bulk_job(phones(4)), list_job(1)])
def test_a_resend_that_no_day_pays_for_leaves_what_is_in_doubt_reserved(make: Make, job: Any) -> None:
    """No more than four messages were ever allowed that day, and four may have gone out."""
    stage = make(3)
    to_noon(stage)
    raise_budget(stage.services, "default", PRICE * 4, why="a sale", by="ann")
    stage.sandbox.fault("reset_after", "sendBulkViber")
    stage.sandbox.fault("reset_before", "confirmViberMessage")
    campaign = stage.enqueue(job)
    stage.until(lambda: campaign.status().recipients["held"] == 4)
    lower_budget(stage.services, "default", PRICE * 3, why="as usual", by="ann")
    campaign.resolve("resend", by="me", why="it is not in the cabinet")
    settle_down(stage)
    raise_budget(stage.services, "default", PRICE * 4, why="a sale", by="ann")
    stage.enqueue(bulk_job(phones(4, start=50), text="another"))
    settle_down(stage)
    assert (sent(stage) <= 4, used(stage), campaign.status().pause_cause) == (True, 4, "over_budget")


@pytest.mark.clear_listing
def test_a_worker_without_a_budget_leaves_it_reserved_too(make: Make) -> None:
    stage, without = make(8), make(None, message_cost=None)
    to_noon(stage)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(4)))
    stage.until(lambda: campaign.status().recipients["held"] == 4)
    stage.sandbox.fault("refuse", "sendBulkViber")
    campaign.resolve("resend", by="me", why="it is not in the cabinet")
    without.until(lambda: campaign.status().recipients["rejected"] == 4)
    assert (sent(stage), used(stage)) == (4, 4)


def test_nobody_counts_as_messaged_by_a_campaign_that_paused(make: Make) -> None:
    """Its first batch is counted for the frequency cap before its price is looked at."""
    stage = make(3, cap_messages=1, cap_days=1)
    to_noon(stage)
    big = stage.enqueue(bulk_job(phones(4)))
    settle_down(stage)
    assert (big.status().state, sent(stage)) == ("paused", 0)
    other = stage.enqueue(bulk_job(phones(2), text="other"))
    stage.finish(other)
    assert (other.status().recipients["capped"], sent(stage)) == (0, 2)


def test_where_the_settings_pay_for_nothing_it_keeps_nothing_behind_it_waiting_either(make: Make) -> None:
    stage = make(0)
    big = spend(stage, 4)
    assert (big.status().state, big.status().account_pause_reason[:19]) == ("ready", "the daily budget of")
    raise_budget(stage.services, "default", PRICE * 3, why="these", by="ann")
    small = stage.enqueue(bulk_job(phones(2, start=50), text="small"))
    settle_down(stage)
    stage.finish(small)
    assert (sent(stage), big.status().pause_cause) == (2, "over_budget")


@pytest.mark.parametrize("how", ["paused", "cancelled", "over_budget"])
def test_an_account_is_paused_no_longer_than_the_campaign_waits_that_has_no_room(make: Make, how: str) -> None:
    """What fits goes out then, and no status says that it does not."""
    stage = make(3)
    to_noon(stage)
    raise_budget(stage.services, "default", PRICE * 6, why="a sale", by="ann")
    stage.finish(stage.enqueue(bulk_job(phones(3, start=500), text="before")))
    big = stage.enqueue(bulk_job(phones(4)))
    settle_down(stage)
    assert needs(big.status()) == "account is paused"
    if how == "over_budget":
        lower_budget(stage.services, "default", PRICE * 3, why="x", by="ann")
        move(stage, 31_000)
        settle_down(stage)
    else:
        {"paused": big.pause, "cancelled": big.cancel}[how](by="ann")
    assert big.status().account_paused_until is None
    assert [event.type for event in events_of(stage)][-1] == "account.resumed"


def test_a_canary_that_a_person_overruled_is_not_why_it_is_paused(make: Make) -> None:
    stage = make(3)
    to_noon(stage)
    stage.sandbox.fault("refuse", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(6), canary=2, canary_wait_s=30))
    stage.until(lambda: campaign.status().pause_cause == "canary")
    campaign.resume(by="ann")
    settle_down(stage)
    status = campaign.status()
    assert (status.pause_cause, state_words(status)) == ("over_budget", "paused, over budget")
    assert "canary" not in needs(status) + str(pause_words(status))
