"""`campaigns excluded`: recipients who were not messaged."""

from __future__ import annotations

from dataclasses import asdict

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import campaign_id, only_json
from campaigns.cli.output.screen import print_json


@click.command("excluded")
@campaign_id
@only_json
@reports_errors
def excluded(campaign_id: str) -> None:
    """Print the excluded recipients of a campaign and why, as JSON lines."""
    for one in found_campaign(campaign_id).excluded():
        print_json(asdict(one))
