"""`campaigns reschedule`: move the time of batches that are not at the gateway yet."""

from __future__ import annotations

import sys

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, by, campaign_id, why
from campaigns.cli.output.decisions import print_nothing_done, print_out_of_reach
from campaigns.cli.output.screen import console, print_json
from campaigns.cli.output.status_table import status_table
from campaigns.cli.output.times import display_zone


@click.command(short_help="Move the time of batches that are not at the gateway yet.")
@campaign_id
@click.argument("time")
@by
@why
@as_json
@reports_errors
def reschedule(campaign_id: str, time: str, by: str, why: str, as_json: bool) -> None:
    """Send the batches of a campaign that are not at the gateway yet at TIME, such as 2030-05-01T10:00.

    A time without a zone is in the gateway's. Batches that wait at the gateway keep their time.
    """
    campaign = found_campaign(campaign_id)
    try:
        number = campaign.reschedule(time, by=by, why=why)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="TIME") from None
    status = campaign.status()
    if as_json:
        print_json({**status.as_dict(), "rescheduled": number})
    elif number:
        console.print(status_table(status, zone=display_zone()))
    else:
        print_out_of_reach(status)
        print_nothing_done("no batch of it is still here", campaign)
    sys.exit(0 if number else FAILED)
