"""`campaigns approve`: let a draft go out."""

from __future__ import annotations

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, by, campaign_id, why
from campaigns.cli.output.screen import console, print_json


@click.command(short_help="Let a draft go out.")
@campaign_id
@by
@why
@as_json
@reports_errors
def approve(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Let a draft go out. The person who made it cannot approve it."""
    campaign = found_campaign(campaign_id)
    campaign.approve(by=by, why=why)
    if as_json:
        print_json(campaign.status().as_dict())
    else:
        console.print(f"approved; to follow it: campaigns status {campaign.id} --watch")
