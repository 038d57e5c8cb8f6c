"""`campaigns status`: where a campaign is."""

from __future__ import annotations

import time
from typing import Final

import click

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, campaign_id
from campaigns.cli.output.live import followed
from campaigns.cli.output.results_table import results_table
from campaigns.cli.output.screen import console, print_json
from campaigns.cli.output.status_table import status_table
from campaigns.cli.output.times import display_zone
from campaigns.errors import flatten
from campaigns.evaluation import has_several_mailings
from campaigns.ledger.states import OVER
from campaigns.wiring import default_services

_MOST_MISTAKES: Final = 20
#: Messages whose results are read in about a second.
_QUICKLY_READ: Final = 200_000


@click.command()
@campaign_id
@click.option("--watch", is_flag=True, help="Follow it until it is over.")
@as_json
@reports_errors
def status(campaign_id: str, watch: bool, as_json: bool) -> None:
    """Show the status of a campaign. The beginning of its id is enough."""
    campaign = found_campaign(campaign_id)
    now = campaign.status()
    if as_json:
        print_json(now.as_dict())
        while watch and now.state not in OVER:
            time.sleep(1)
            now = campaign.status_after_restart()
            print_json(now.as_dict())
        return
    if watch:
        now = followed(campaign, None, console)
    else:
        console.print(status_table(now, zone=display_zone()))
        _print_mailings(campaign, now)
    mistakes = flatten(now.errors)
    for line in mistakes[:_MOST_MISTAKES]:
        console.print(f"  {line}", style="red")
    if len(mistakes) > _MOST_MISTAKES:
        console.print(f"  and {len(mistakes) - _MOST_MISTAKES:,} more; all: campaigns status {campaign.id} --json")


def _print_mailings(campaign: Campaign, now: Status) -> None:
    """Show the results of a campaign of several mailings; of a very large one, how to get them."""
    if not now.sent or not has_several_mailings(default_services(), campaign.id):
        return
    if now.sent > _QUICKLY_READ:
        console.print(f"by mailing: campaigns results {campaign.id}")
    else:
        console.print(results_table(campaign.results()))
