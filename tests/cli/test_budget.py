"""`campaigns budget`."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from campaigns.ledger import Audit
from tests.cli.conftest import Run
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_MESSAGE_COST", "0.049")
    monkeypatch.setenv("CAMPAIGNS_DAILY_BUDGET", "20")


@pytest.mark.usefixtures("budgets")
def test_show_raise_and_lower(run: Run, stage: Stage) -> None:
    assert run("budget", "show").stdout == "default: 0.00 of 20.00 is spent or reserved today\n"
    raised = run("budget", "raise", "default", "99.50", "--why", "the sale", "--by", "ann")
    expected = "default: 0.00 of 99.50 is spent or reserved today; 20.00 by the settings, raised for today\n"
    assert (raised.exit_code, raised.stdout) == (0, expected)
    again = run("budget", "raise", "default", "99.50", "--why", "the sale", "--by", "ann")
    assert (again.exit_code, again.stdout) == (0, expected)
    lowered = run("budget", "lower", "default", "0", "--why", "stop", "--json")
    assert json.loads(lowered.stdout) == {
        "account": "default", "budget": "0", "used": "0", "left": "0", "setting": "20",
    }  # fmt: skip
    assert json.loads(run("budget", "show", "--json").stdout)["budget"] == "0"
    assert "ann changed today's budget of account default from 20 to 99.50: the sale" in run("audit").stdout
    assert len(list(Audit(stage.services.store).newest())) == 2
    finding = run("doctor", "--json").stdout
    assert "lowered for today" in finding


@pytest.mark.usefixtures("budgets")
def test_what_waits_for_room(run: Run, make_stage: Callable[..., Stage]) -> None:
    """Somebody who raises the budget sees by how much is enough."""
    stage = make_stage(message_cost=Decimal("0.049"), daily_budget=Decimal(20))
    run("budget", "lower", "default", "0.1", "--why", "careful")
    campaign = stage.enqueue(bulk_job(phones(4)))
    stage.until(lambda: campaign.status().account_pause_reason != "")
    words = "the next request costs 0.196 and has room in a budget of 0.196"
    assert words in run("budget", "show").stdout
    assert words in run("budget", "raise", "default", "0.19", "--why", "too little").stdout
    assert words not in run("budget", "raise", "default", "0.196", "--why", "enough").stdout
    stage.finish(campaign)


@pytest.mark.usefixtures("budgets")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("raise", "default", "1,000", "--why", "x"), "'1,000' is not an amount such as 250 or 99.50"),
        (("raise", "default", "+5", "--why", "x"), "'+5' would be an addition: give the whole budget of today"),
        (("raise", "default", "50"), "Missing option '--why'"),
        (("raise", "default", "5", "--why", "x"), "is 20 today, which is more than 5"),
        (("lower", "default", "50", "--why", "x"), "is 20 today, which is less than 50"),
    ],
)
def test_mistakes(run: Run, arguments: tuple[str, ...], words: str) -> None:
    ended = run("budget", *arguments)
    assert (ended.exit_code, words in ended.stderr) == (2, True), ended.stderr


def test_without_a_budget(run: Run) -> None:
    assert "no account has a daily budget" in run("budget", "show").stdout
    ended = run("budget", "raise", "default", "5", "--why", "x")
    assert "account 'default' has no daily budget" in ended.stderr
