"""`campaigns replies`: the replies to a campaign."""

from __future__ import annotations

from dataclasses import asdict

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import campaign_id, only_json
from campaigns.cli.output.screen import print_json


@click.command()
@campaign_id
@only_json
@reports_errors
def replies(campaign_id: str) -> None:
    """Print the replies to a campaign, as JSON lines, oldest first."""
    for reply in found_campaign(campaign_id).replies():
        print_json(asdict(reply))
