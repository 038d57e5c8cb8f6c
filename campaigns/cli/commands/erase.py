"""`campaigns erase`: a phone removed from everything that is kept here."""

from __future__ import annotations

from dataclasses import asdict

import click

from campaigns import person
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import as_json, by, why
from campaigns.cli.input.phones import normal_phones
from campaigns.cli.output.screen import console, print_json
from campaigns.text.wording import counted
from campaigns.wiring import default_services


@click.command(short_help="Erase a phone from everything that is kept here.")
@click.argument("phone")
@click.option("--optout-too", is_flag=True, help="Erase opt-outs as well: the phone may be messaged again.")
@by
@why
@as_json
@reports_errors
def erase(phone: str, optout_too: bool, by: str, why: str, as_json: bool) -> None:
    """Erase PHONE from everything that is kept here. Counters stay; an opt-out stays unless you say so."""
    (normal,) = normal_phones((phone,))
    gone = person.erase(default_services(), normal, optout_too=optout_too, by=by, why=why)
    if as_json:
        print_json(asdict(gone))
        return
    erased = (
        counted(gone.deliveries, "delivery", "deliveries"),
        counted(gone.bodies, "request body", "request bodies"),
        counted(gone.replies, "reply", "replies"),
        counted(gone.excluded, "excluded row"),
        counted(gone.events, "event"),
        counted(gone.dead_letters, "dead letter"),
    )
    console.print(f"erased from {counted(gone.campaigns, 'campaign')}: {', '.join(erased)}")
    if gone.events_left:
        left = counted(gone.events_left, "event")
        console.print(f"{left} left until every consumer group has read them; repeat this then")
    if gone.optout:
        console.print("the opt-out is erased as well")
    elif default_services().optouts.every_of(normal):
        console.print("the opt-out stays, so that this phone is not messaged again; --optout-too erases it")
