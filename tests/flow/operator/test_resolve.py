"""Sending again what may have arrived: from a cost on it takes two people."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from click.testing import CliRunner

from campaigns.campaign import Campaign
from campaigns.cli.command_line import cli
from campaigns.cli.exit_codes import NOT_POSSIBLE
from campaigns.errors import ConfirmationError, SettingsError
from campaigns.ledger import Audit
from campaigns.settings import Settings
from campaigns.wiring import default_services_are
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def held(stage: Stage, number: int = 4) -> Campaign:
    """So many recipients, two in a request, whose requests were lost, and whose listing says nothing."""
    stage.sandbox.fault("reset_before", "sendBulkViber", times=number // 2)
    campaign = stage.enqueue(bulk_job(phones(number)))
    stage.until(lambda: campaign.status().recipients["held"] == number)
    return campaign


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(message_cost=Decimal("0.05"), confirm_cost=Decimal("0.2"), recipients_per_request=2)


def test_one_person_is_not_enough(stage: Stage) -> None:
    campaign = held(stage)
    for confirmed_by in ("", " ", "ann", " Ann "):
        with pytest.raises(ConfirmationError, match=r"resending costs 0\.20: another person than ann") as caught:
            campaign.resolve("resend", by="ann", why="not in the cabinet", confirmed_by=confirmed_by)
        assert (caught.value.by, caught.value.cost) == ("ann", Decimal("0.20"))
    assert campaign.status().recipients["held"] == 4
    assert campaign.resolve("resend", by="ann", why="not in the cabinet", confirmed_by="bob") == 2
    stage.finish(campaign)
    assert campaign.status().recipients["settled"] == 4
    assert {(act.by, act.detail) for act in Audit(stage.services.store).newest()} == {
        ("ann", "resend, confirmed by bob")
    }


def test_what_costs_less_or_nothing_needs_one_person(stage: Stage) -> None:
    campaign = held(stage)
    assert campaign.resolve("resend", by="ann", why="?", batch_id=f"{campaign.id}-0") == 1
    assert campaign.resolve("write-off", by="ann", why="?") == 1
    assert campaign.resolve("resend", by="ann", why="nothing is held any more") == 0


def test_without_the_setting_one_person_decides(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(message_cost=Decimal("0.05"), recipients_per_request=2)
    assert held(stage).resolve("resend", by="ann", why="?") == 2


def test_the_command(stage: Stage) -> None:
    campaign = held(stage)
    arguments = ["resolve", campaign.id, "resend", "--by", "ann", "--why", "?"]
    with default_services_are(stage.services):
        refused = CliRunner().invoke(cli, arguments)
        taken = CliRunner().invoke(cli, [*arguments, "--confirmed-by", "bob"])
        result = CliRunner().invoke(cli, ["audit"])
    assert (refused.exit_code, taken.exit_code) == (NOT_POSSIBLE, 0)
    assert "another person than ann has to confirm it" in " ".join(refused.stderr.split())
    assert "resend, confirmed by bob" in " ".join(result.stdout.split())


def test_it_needs_a_price() -> None:
    with pytest.raises(SettingsError, match="CAMPAIGNS_CONFIRM_COST: needs CAMPAIGNS_MESSAGE_COST"):
        Settings.from_env({"CAMPAIGNS_CONFIRM_COST": "1"})
