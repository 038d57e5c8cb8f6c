"""`campaigns resume`: continue a paused campaign."""

from __future__ import annotations

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, by, campaign_id, why
from campaigns.cli.output.obstacles import events_full_words
from campaigns.cli.output.screen import console, print_json
from campaigns.cli.output.times import display_zone


@click.command()
@campaign_id
@by
@why
@as_json
@reports_errors
def resume(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Continue a paused campaign."""
    campaign = found_campaign(campaign_id)
    campaign.resume(by=by, why=why)
    if as_json:
        print_json(campaign.status().as_dict())
    elif (words := events_full_words(campaign.status(), display_zone())) is not None:
        console.print(f"resumed, but {words}", style="yellow")
        console.print("what to do: campaigns doctor")
    else:
        console.print(f"resumed; to follow it: campaigns status {campaign.id} --watch")
