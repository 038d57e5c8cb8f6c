"""Commands about people: one person's history, forgetting, opt-outs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from campaigns import optouts as optouts_api
from campaigns import person
from campaigns.cli.completing import accounts
from campaigns.cli.failures import FAILED, WRONG, print_error, reports_errors
from campaigns.cli.options import as_json, by, columns, encoding, recipient_file, why
from campaigns.cli.screen import console, print_indented, print_json, print_line, remark
from campaigns.ledger import OptOut
from campaigns.people.explaining import explained
from campaigns.recipients import listed_phones, normalise_phone
from campaigns.text.harmless import json_line
from campaigns.text.wording import counted
from campaigns.wiring import default_services


@click.command(short_help="Tell all that is known of a phone, and why.")
@click.argument("phone", required=False)
@click.option("--message", "message_id", type=int, help="Instead of a phone: the gateway's message id.")
@click.option(
    "--account",
    default="default",
    show_default=True,
    shell_complete=accounts,
    help="The account of the message id.",
)
@click.option("--campaigns", "limit", default=100, show_default=True, type=click.IntRange(1), help="Look at so many.")
@as_json
@reports_errors
def explain(phone: str | None, message_id: int | None, account: str, limit: int, as_json: bool) -> None:
    """Tell all that is known of PHONE: what every campaign did to it, and why."""
    if (phone is None) == (message_id is None):
        raise click.UsageError("give a PHONE or --message")
    if message_id is not None:
        _explain_message(message_id, account, as_json)
        return
    services = default_services()
    (normal,) = _normal((str(phone),))
    optout = services.optouts.of(normal)
    traces = list(person.find_person(default_services(), normal, campaigns=limit))
    if as_json:
        print_json({"phone": normal, "optout": asdict(optout) if optout else None})
        for trace in traces:
            print_json(asdict(trace))
        return
    for line in explained(normal, traces, optout, services.settings.gateway_timezone):
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


@click.command(short_help="Erase a phone from everything that is kept here.")
@click.argument("phone")
@click.option("--optout-too", is_flag=True, help="Forget the opt-out as well: the phone may be messaged again.")
@by
@why
@as_json
@reports_errors
def erase(phone: str, optout_too: bool, by: str, why: str, as_json: bool) -> None:
    """Erase PHONE from everything that is kept here. Counters stay; an opt-out stays unless you say so."""
    (normal,) = _normal((phone,))
    gone = person.erase(default_services(), normal, optout_too=optout_too, by=by, why=why)
    if as_json:
        print_json(asdict(gone))
        return
    erased = (
        counted(gone.deliveries, "delivery", "deliveries"),
        counted(gone.bodies, "request body", "request bodies"),
        counted(gone.replies, "reply", "replies"),
        counted(gone.excluded, "row of those taken out", "rows of those taken out"),
        counted(gone.events, "event"),
        counted(gone.dead_letters, "dead letter"),
    )
    console.print(f"erased from {counted(gone.campaigns, 'campaign')}: {', '.join(erased)}")
    if gone.events_left:
        left = counted(gone.events_left, "event")
        console.print(f"{left} left until every group has read what it waits for; repeat this then")
    if gone.optout:
        console.print("the opt-out is erased as well")
    elif default_services().optouts.of(normal) is not None:
        console.print("the opt-out stays, so that nobody messages this phone again; --optout-too forgets it")


@click.group()
def optouts() -> None:
    """Phones that must not be messaged."""


@optouts.command("add")
@click.argument("phones", nargs=-1, required=True)
@by
@why
@as_json
@reports_errors
def add_optouts(phones: tuple[str, ...], by: str, why: str, as_json: bool) -> None:
    """Add PHONES."""
    _tell("added", optouts_api.add(_normal(phones), why=why, by=by), as_json)


@optouts.command("remove")
@click.argument("phones", nargs=-1, required=True)
@by
@why
@as_json
@reports_errors
def remove_optouts(phones: tuple[str, ...], by: str, why: str, as_json: bool) -> None:
    """Remove PHONES."""
    _tell("removed", optouts_api.remove(_normal(phones), why=why, by=by), as_json)


def _tell(what: str, number: int, as_json: bool) -> None:
    if as_json:
        print_json({what: number})
    else:
        console.print(f"{number} {what}")


@optouts.command("list")
@as_json
@reports_errors
def list_optouts(as_json: bool) -> None:
    """Print all, one a line; with --json also since when, why and by whom."""
    if as_json:
        for phone, optout in optouts_api.details():
            print_json(_optout_dict(phone, optout))
        return
    for phone in optouts_api.every():
        print_line(phone)


@optouts.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@by
@click.option("--why", "--reason", "why", help="The reason, kept with each phone.  [default: the name of the file]")
@columns
@encoding
@as_json
@reports_errors
def import_optouts(
    file: Path, by: str, why: str | None, columns: dict[str, str], encoding: str | None, as_json: bool
) -> None:
    """Add the phones in FILE, which is read as a file of recipients is (- for standard input).

    Without a header every phone of every line counts, with one those in the columns that are called phone. Lines
    with anything that is no phone are listed, and all phones are added all the same; then the exit code is 1. A
    file that cannot be read is refused with exit code 2, and nothing is added.
    """
    region = default_services().settings.phone_region
    reason, bad, phones = why or f"import of {'standard input' if str(file) == '-' else file}", 0, list[str]()
    for line in listed_phones(recipient_file(file, columns, encoding), region):
        phones += line.phones
        if line.problem is not None:
            bad += 1
            remark(f"line {line.line}: {line.problem}")
    added = optouts_api.add(phones, why=reason, by=by)
    if as_json:
        print_json({"added": added, "not_understood": bad})
    else:
        console.print(f"{added} added, {bad} line{'s' * (bad != 1)} not understood")
    sys.exit(FAILED if bad else 0)


@optouts.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False))
@as_json
@reports_errors
def export_optouts(file: TextIO, as_json: bool) -> None:
    """Write all to FILE, one a line (- for standard output); with --json also since when, why and by whom."""
    if as_json:
        file.writelines(json_line(_optout_dict(phone, optout)) + "\n" for phone, optout in optouts_api.details())
    else:
        file.writelines(phone + "\n" for phone in optouts_api.every())


def _optout_dict(phone: str, optout: OptOut) -> dict[str, Any]:
    since = optout.since_ms
    at = None if since is None else datetime.fromtimestamp(since / 1000, tz=UTC).isoformat(timespec="seconds")
    return {"phone": phone, "since": at, "since_ms": since, "why": optout.why, "by": optout.by}


def _normal(phones: tuple[str, ...]) -> list[str]:
    region = default_services().settings.phone_region
    normal = {phone: normalise_phone(phone, region) for phone in phones}
    if bad := [phone for phone, found in normal.items() if found is None]:
        for phone in bad:
            print_error(f"{phone}: is not a phone number")
        sys.exit(WRONG)
    return [found for found in normal.values() if found is not None]
