"""`campaigns cancel`: never send what has not gone out."""

from __future__ import annotations

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, by, campaign_id, why
from campaigns.cli.output.screen import console, print_json
from campaigns.cli.output.status_table import status_table
from campaigns.cli.output.times import display_zone


@click.command()
@campaign_id
@by
@why
@as_json
@reports_errors
def cancel(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Cancel what has not gone out."""
    status = found_campaign(campaign_id).cancel(by=by, why=why)
    if as_json:
        print_json(status.as_dict())
    else:
        console.print(status_table(status, zone=display_zone()))
