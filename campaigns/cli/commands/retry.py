"""`campaigns retry`: send again what the gateway refused."""

from __future__ import annotations

import sys

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.ids import found_campaign, full_batch_id
from campaigns.cli.input.options import as_json, batch_option, by, campaign_id, required_why
from campaigns.cli.output.decisions import batches_words, print_nothing_done, under_batch
from campaigns.cli.output.screen import console, print_json


@click.command()
@campaign_id
@batch_option
@by
@required_why
@as_json
@reports_errors
def retry(campaign_id: str, batch_id: str | None, by: str, why: str, as_json: bool) -> None:
    """Resend the batches that the gateway refused."""
    campaign = found_campaign(campaign_id)
    batch_id = full_batch_id(campaign.id, batch_id)
    changed = campaign.retry(by=by, why=why, batch_id=batch_id)
    if as_json:
        print_json({"campaign": campaign.id, "batches": changed})
    elif changed:
        console.print(f"{batches_words(changed)} planned again")
    else:
        print_nothing_done(f"no batch was refused as a whole{under_batch(batch_id)}", campaign)
    sys.exit(0 if changed else FAILED)
