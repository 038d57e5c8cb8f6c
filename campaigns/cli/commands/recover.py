"""`campaigns recover`: what a failover or a restored backup holds up."""

from __future__ import annotations

from datetime import tzinfo

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import as_json, by
from campaigns.cli.output.screen import console, print_json
from campaigns.flow.operator.recover import Change, declare_restored, held_up, last_change, withdraw_doubt
from campaigns.ledger import Batch
from campaigns.text.harmless import harmless
from campaigns.text.wording import counted, moment
from campaigns.wiring import default_services


@click.command(short_help="Show what a failover or a restored backup holds up.")
@click.option("--restored", is_flag=True, help="The store was restored from a backup: doubt all that could be sent.")
@click.option("--nothing-lost", is_flag=True, help="The change was planned and lost nothing: send what it holds up.")
@by
@as_json
@reports_errors
def recover(restored: bool, nothing_lost: bool, by: str, as_json: bool) -> None:
    """Show whether the store may have lost its last writes, and which batches that holds up.

    Batches that may have been sent are searched for in the gateway's listing first. Those that are neither found nor
    proven absent are held, for campaigns resolve.
    """
    services = default_services()
    if restored and nothing_lost:
        raise click.UsageError("give --restored or --nothing-lost, not both")
    if nothing_lost:
        withdraw_doubt(services, by)
    if restored:
        declare_restored(services, by)
    change = last_change(services)
    batches = held_up(services)
    if as_json:
        print_json(_change_as_dict(change))
        for batch in batches:
            print_json(_batch_as_dict(batch))
        return
    console.print(
        _change_words(change, services.settings.gateway_timezone), soft_wrap=True, highlight=False, markup=False
    )
    number = 0
    for batch in batches:
        number += 1
        text = harmless(batch.fields.get("text", ""))
        line = f"{batch.id}  {batch.state}  {counted(batch.recipients, 'recipient')}  {text}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if number:
        console.print("unknown: the listing is being checked; held: decide with campaigns resolve CAMPAIGN")
    else:
        console.print("nothing is held up")


def _change_words(change: Change | None, zone: tzinfo) -> str:
    if change is None:
        return "the store's server has never changed"
    changed = f"the store's server changed at {moment(change.changed_ms, zone)} {zone} ({change.how})"
    return f"{changed}: {change.why}" if change.doubt else f"{changed}, and nothing is known to be lost"


def _change_as_dict(change: Change | None) -> dict[str, object]:
    if change is None:
        return {"changed": False}
    fields = {"how": change.how, "changed_ms": change.changed_ms, "doubt": change.doubt, "why": change.why}
    return {"changed": True, **fields, "doubted": change.doubted}


def _batch_as_dict(batch: Batch) -> dict[str, object]:
    why = batch.fields.get("text", "")
    return {"batch": batch.id, "state": batch.state, "recipients": batch.recipients, "why": why}
