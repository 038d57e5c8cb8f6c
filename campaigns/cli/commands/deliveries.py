"""`campaigns deliveries`: every message of a campaign."""

from __future__ import annotations

from dataclasses import asdict

import click

from campaigns.campaign import Campaign
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import campaign_id, only_json
from campaigns.cli.output.screen import print_json
from campaigns.ledger.states import BATCH_STATES
from campaigns.statuses import RANKS
from campaigns.wiring import default_services


@click.command()
@campaign_id
@click.option(
    "--state",
    type=click.Choice(BATCH_STATES, case_sensitive=False),
    help="Only deliveries whose batch is in this state, such as rejected or held.",
)
@click.option("--status", "word", help="Only deliveries with this status, such as READ.")
@only_json
@reports_errors
def deliveries(campaign_id: str, state: str | None, word: str | None) -> None:
    """Print every message of a campaign, as JSON lines."""
    campaign = found_campaign(campaign_id)
    wanted = _status_word(campaign, word)
    for delivery in campaign.deliveries():
        if state in {None, delivery.state} and wanted in {None, delivery.status.upper()}:
            print_json(asdict(delivery))


def _status_word(campaign: Campaign, word: str | None) -> str | None:
    """The status in capitals. Refuses one that neither is known nor occurs in the campaign."""
    if word is None:
        return None
    known = {*RANKS, *default_services().settings.final_statuses, *campaign.status().statuses}
    if word.upper() not in {one.upper() for one in known}:
        raise click.BadParameter(
            f"{word!r} is not a status; there are {', '.join(sorted(known))}", param_hint="--status"
        )
    return word.upper()
