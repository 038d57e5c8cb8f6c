"""`campaigns reschedule`: move the time of batches that are not at the gateway yet."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, by, campaign_id, why
from campaigns.cli.output.decisions import print_nothing_done, print_out_of_reach
from campaigns.cli.output.screen import console, print_json
from campaigns.cli.output.status_table import status_table
from campaigns.cli.output.times import display_zone
from campaigns.flow.operator.reschedule import to_come_ms
from campaigns.flow.scheduling.windows import opens_after_ms
from campaigns.text.wording import moment
from campaigns.wiring import default_services


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
    campaign, services = found_campaign(campaign_id), default_services()
    try:
        at_ms = to_come_ms(services, time)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="TIME") from None
    number = campaign.reschedule(time, by=by, why=why)
    status, opens_ms = campaign.status(), opens_after_ms(services.campaigns.read(campaign.id), at_ms)
    if as_json:
        opens_at = None if opens_ms is None else datetime.fromtimestamp(opens_ms / 1000, UTC).isoformat()
        print_json({**status.as_dict(), "rescheduled": number, "window_opens_at": opens_at})
    elif number:
        console.print(status_table(status, zone=display_zone()))
        if opens_ms is not None:
            opens = moment(opens_ms, display_zone())
            console.print(
                f"its window is closed at that time; the last messages go out from {opens} on", style="yellow"
            )
    else:
        print_out_of_reach(status)
        print_nothing_done("no batch of it is still here", campaign)
    sys.exit(0 if number else FAILED)
