"""`campaigns pause`: send no further batch of a campaign."""

from __future__ import annotations

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, by, campaign_id, why
from campaigns.cli.output.decisions import print_out_of_reach
from campaigns.cli.output.screen import console, print_json


@click.command()
@campaign_id
@by
@why
@as_json
@reports_errors
def pause(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Send no further batch of a campaign."""
    campaign = found_campaign(campaign_id)
    campaign.pause(by=by, why=why)
    status = campaign.status()
    if as_json:
        print_json(status.as_dict())
        return
    print_out_of_reach(status)
    console.print(f"paused; to continue: campaigns resume {campaign.id}")
