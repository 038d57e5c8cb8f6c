"""`campaigns poll`: ask the gateway now."""

from __future__ import annotations

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, campaign_id
from campaigns.cli.output.decisions import batches_words
from campaigns.cli.output.screen import console, print_json


@click.command(short_help="Poll the gateway for a campaign now.")
@campaign_id
@as_json
@reports_errors
def poll(campaign_id: str, as_json: bool) -> None:
    """Poll the gateway for statuses and replies of a campaign now."""
    campaign = found_campaign(campaign_id)
    number = campaign.poll()
    if as_json:
        print_json({"campaign": campaign.id, "batches": number})
    elif number:
        console.print(f"{batches_words(number)} will be polled now; to see the results: campaigns status {campaign.id}")
    else:
        console.print("no batch is polled any more")
