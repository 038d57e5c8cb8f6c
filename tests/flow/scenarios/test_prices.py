"""What the gateway charges against what is expected: reported once per campaign, and once per account and day."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from campaigns.campaign import Campaign
from campaigns.cli.doctor.findings import OK, WARN
from campaigns.cli.doctor.gateway import account_prices
from campaigns.events import Event
from tests.support.events import check_event
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


@pytest.fixture
def make(make_stage: Callable[..., Stage]) -> Callable[[str], Stage]:
    """A stage that expects a price; the sandbox charges 0.049."""
    return lambda price: make_stage(message_cost=Decimal(price), cost_drift=0.2, cost_drift_messages=5)


def reported(stage: Stage, source: str) -> list[Event]:
    events = [event for event in stage.services.events.since(source=source) if event.type.endswith("cost_drift")]
    for event in events:
        check_event(event)
    return events


def send(stage: Stage, number: int, text: str) -> Campaign:
    campaign = stage.enqueue(bulk_job(phones(number), text=text))
    stage.finish(campaign)
    return campaign


def test_dearer_than_expected(make: Callable[[str], Stage]) -> None:
    stage = make("0.04")
    campaign = send(stage, 6, "first")
    (of_campaign,) = reported(stage, campaign.id)
    assert of_campaign.type == "campaign.cost_drift"
    assert of_campaign.data == {"expected": "0.04", "mean": "0.049", "messages": 6, "charged": "0.294"}
    assert campaign.status().cost_drifted
    (of_day,) = reported(stage, "accounts/default")
    assert (of_day.type, of_day.subject) == ("account.cost_drift", "default")
    assert of_day.data == {**of_campaign.data, "day": of_day.data["day"]}
    (finding,) = account_prices(stage.services)
    assert (finding.verdict, finding.what) == (WARN, "price of default")
    assert finding.found == "today 6 messages cost 0.049 on average; 0.04 is expected"
    # The account was reported already, another campaign was not.
    assert len(reported(stage, send(stage, 7, "second").id)) == 1
    assert len(reported(stage, "accounts/default")) == 1


def test_a_few_messages_add_up_to_a_day(make: Callable[[str], Stage]) -> None:
    """Too few of a campaign to be compared; of the account there are enough in the end."""
    stage = make("0.04")
    first = send(stage, 3, "first")
    assert (reported(stage, first.id), reported(stage, "accounts/default")) == ([], [])
    second = send(stage, 3, "second")
    assert reported(stage, second.id) == []
    (of_day,) = reported(stage, "accounts/default")
    assert of_day.data["messages"] == 6


@pytest.mark.parametrize("price", ["0.049", "0.045", "0.2"], ids=["as expected", "a little dearer", "cheaper"])
def test_nothing_is_told(make: Callable[[str], Stage], price: str) -> None:
    """A lower mean is no reason: the gateway may charge only what was delivered."""
    stage = make(price)
    campaign = send(stage, 6, "first")
    assert (reported(stage, campaign.id), reported(stage, "accounts/default")) == ([], [])
    assert not campaign.status().cost_drifted
    assert [finding.verdict for finding in account_prices(stage.services)] == [OK]


def test_without_an_expectation_nothing_is_counted(stage: Stage) -> None:
    campaign = send(stage, 6, "first")
    assert "messages" not in stage.services.campaigns.read(campaign.id).fields
    assert not stage.services.store.redis.exists(stage.services.store.keys.money("default"))
