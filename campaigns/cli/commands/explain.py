"""`campaigns explain`: the history of one phone, or the owner of one message id."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from campaigns import person
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.completers import accounts
from campaigns.cli.input.options import as_json
from campaigns.cli.input.phones import normal_phones
from campaigns.cli.output.screen import print_error, print_indented, print_json, print_line
from campaigns.ledger import EVERYTHING
from campaigns.people.explaining import Extent, explained
from campaigns.wiring import default_services


@click.command(short_help="Show the history of a phone.")
@click.argument("phone", required=False)
@click.option("--message", "message_id", type=int, help="Instead of a phone: the gateway's message id.")
@click.option(
    "--account",
    default="default",
    show_default=True,
    shell_complete=accounts,
    help="The account of the message id.",
)
@click.option(
    "--campaigns",
    "limit",
    metavar="N",
    type=click.IntRange(1),
    help="Search only the newest N campaigns, not all that are kept.",
)
@as_json
@reports_errors
def explain(phone: str | None, message_id: int | None, account: str, limit: int | None, as_json: bool) -> None:
    """Show what every campaign did to PHONE, and why."""
    if (phone is None) == (message_id is None):
        raise click.UsageError("give a PHONE or --message")
    if message_id is not None:
        _explain_message(message_id, account, as_json)
        return
    services = default_services()
    (normal,) = normal_phones((str(phone),))
    optouts, suppression = services.optouts.every_of(normal), services.suppressed.of(normal)
    kept = services.people.kept()
    extent = Extent(kept if limit is None else min(limit, kept), kept)
    traces = person.find_person(services, normal, campaigns=limit)
    if as_json:
        print_json(
            {
                "phone": normal,
                "optout": next((asdict(optout) for optout in optouts if optout.scope == EVERYTHING), None),
                "optouts": [asdict(optout) for optout in optouts],
                "suppressed": suppression._asdict() if suppression else None,
                "campaigns_searched": extent.searched,
                "campaigns_kept": extent.kept,
            }
        )
        for trace in traces:
            print_json(asdict(trace))
        return
    for line in explained(normal, traces, optouts, services.settings.gateway_timezone, suppression, extent):
        print_indented(line)


def _explain_message(message_id: int, account: str, as_json: bool) -> None:
    owner = person.find_message(default_services(), message_id, account=account)
    if owner is None:
        print_error(f"no message {message_id} of account {account} is known")
        sys.exit(FAILED)
    if as_json:
        print_json(asdict(owner))
    else:
        named = f", {owner.mailing}" if owner.mailing else ""
        print_line(
            f"campaign {owner.campaign_id}, batch {owner.batch_id}, mailing {owner.number}{named}: {owner.state}"
        )
