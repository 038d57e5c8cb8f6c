"""`campaigns resolve`: decide about requests that are held."""

from __future__ import annotations

import sys

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.ids import found_campaign, full_batch_id
from campaigns.cli.input.options import as_json, batch_option, by, campaign_id, required_why
from campaigns.cli.output.decisions import batches_words, print_nothing_done, under_batch
from campaigns.cli.output.screen import console, print_json
from campaigns.flow.operator.resolve import RESOLUTIONS

#: What a decision did, after the number of batches.
_DECIDED = {
    "sent": "counted as sent, and polled",
    "resend": "planned again, to be sent and paid for again",
    "write-off": "written off",
}


@click.command(short_help="Decide about requests that are held.")
@campaign_id
@click.argument("decision", type=click.Choice(list(RESOLUTIONS)))
@batch_option
@by
@click.option("--confirmed-by", default="", help="A second person who agrees, needed to resend expensive batches.")
@required_why
@as_json
@reports_errors
def resolve(
    campaign_id: str, decision: str, batch_id: str | None, by: str, confirmed_by: str, why: str, as_json: bool
) -> None:
    """Decide about requests that are held, because it is unknown whether they arrived.

    Check the gateway first. sent: it has them. resend: they never arrived, and are sent and paid for again.
    write-off: the outcome stays unknown.
    """
    campaign = found_campaign(campaign_id)
    batch_id = full_batch_id(campaign.id, batch_id)
    changed = campaign.resolve(decision, by=by, why=why, batch_id=batch_id, confirmed_by=confirmed_by)
    if as_json:
        print_json({"campaign": campaign.id, "decision": decision, "batches": changed})
    elif changed:
        console.print(f"{batches_words(changed)} {_DECIDED[decision]}")
    else:
        print_nothing_done(f"no batch is held{under_batch(batch_id)}", campaign)
    sys.exit(0 if changed else FAILED)
