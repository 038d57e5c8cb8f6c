"""A request that costs more than the whole budget of a day pauses its campaign: nothing is refused, nothing blocks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from campaigns.budgets import lower_budget, raise_budget
from campaigns.preview import preview
from tests.support.budgets import DAY_MS, PRICE, Make, move, sent, settle_down, to_noon, used
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
    assert (status.paused_by, status.pause_reason) == (
        "daily budget", "a request costs 0.196, and the whole daily budget is 0.147",
    )  # fmt: skip
    (paused,) = [event for event in stage.events(campaign) if event.type == "campaign.paused"]
    assert paused.data == {"from": "ready", "by": status.paused_by, "why": status.pause_reason}
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
    assert (sent(stage), used(stage), campaign.status().paused_by) == (0, 0, "daily budget")


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
    assert (sent(stage) <= 4, used(stage), campaign.status().paused_by) == (True, 4, "daily budget")


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
