"""`campaigns optouts`: the suppression list."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from campaigns import optouts as optouts_api
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.completers import campaign_ids
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, by, columns, encoding, recipient_file, why
from campaigns.cli.input.optout_files import read_optouts
from campaigns.cli.input.optout_scope import Narrowed, known_scope, new_topic_words, scope
from campaigns.cli.input.phones import normal_phones
from campaigns.cli.output.optout_lists import (
    left_out,
    list_documents,
    list_lines,
    optout_dict,
    scopes_listed,
)
from campaigns.cli.output.screen import console, print_json, print_line, print_lines, remark
from campaigns.evaluation import OptedOut
from campaigns.ledger import Scope, scope_named
from campaigns.recipients import listed_phones
from campaigns.text.harmless import json_line
from campaigns.text.wording import counted
from campaigns.wiring import default_services

_every_scope = click.option(
    "--all",
    "every_scope",
    is_flag=True,
    help="Also the opt-outs of single accounts and topics, or with --account of its topics, as CSV with columns.",
)


@click.group()
def optouts() -> None:
    """Phones that must not be messaged: at all, by one account, or about one topic of an account."""


@optouts.command("add")
@click.argument("phones", nargs=-1, required=True)
@scope
@by
@why
@as_json
@reports_errors
def add_optouts(phones: tuple[str, ...], scope: Narrowed, by: str, why: str, as_json: bool) -> None:
    """Opt PHONES out of everything, or of an account or topic."""
    number = _added_to({scope_named(**scope): normal_phones(phones)}, why, by)
    if as_json:
        print_json({"added": number})
    else:
        console.print(f"{number:,} added")


def _added_to(phones: Mapping[Scope, Sequence[str]], why: str, by: str) -> int:
    """Opt phones out of each scope, and print to standard error which topics no opt-out had before."""
    new_topics = [new_topic_words(default_services(), scope) for scope in phones]
    try:
        number = sum(
            optouts_api.add(some, why=why, by=by, account=scope.account or None, topic=scope.topic or None)
            for scope, some in phones.items()
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--account") from None
    for words in filter(None, new_topics):
        remark(words)
    return number


@optouts.command("remove")
@click.argument("phones", nargs=-1, required=True)
@scope
@by
@why
@as_json
@reports_errors
def remove_optouts(phones: tuple[str, ...], scope: Narrowed, by: str, why: str, as_json: bool) -> None:
    """Remove PHONES from the opt-outs of everything, or of an account or topic. Their other opt-outs stay."""
    normal = normal_phones(phones)
    number = optouts_api.remove(normal, why=why, by=by, **scope)
    left = [(phone, optout) for phone in normal for optout in default_services().optouts.every_of(phone)]
    if as_json:
        print_json({"removed": number, "left": [optout_dict(phone, optout) for phone, optout in left]})
        return
    console.print(f"{number:,} removed")
    for phone, optout in left:
        undo = f"campaigns optouts remove {phone}{optout.scope.options}"
        print_line(f"{phone} is still opted out of {optout.scope.words}: {undo}")


@optouts.command("list")
@click.option("--campaign", "campaign_id", shell_complete=campaign_ids, help="Only those by a reply to this campaign.")
@scope
@_every_scope
@as_json
@reports_errors
def list_optouts(campaign_id: str | None, scope: Narrowed, every_scope: bool, as_json: bool) -> None:
    """Print who is opted out of everything, or of an account or topic, one a line.

    With --json also since when, why and by whom. `optouts scopes` prints which accounts and topics there are.
    """
    if campaign_id is not None:
        if any(scope.values()) or every_scope:
            raise click.UsageError("--campaign lists opt-outs of every scope: give no --account, --topic or --all")
        for one in found_campaign(campaign_id).opted_out():
            print_json(_opted_out_dict(one)) if as_json else print_line(one.phone)
        return
    scopes, listed = _scopes(scope, every_scope=every_scope), default_services().optouts
    if as_json:
        for document in list_documents(listed, scopes):
            print_json(document)
    else:
        print_lines(list_lines(listed, scopes, table=every_scope))


def _scopes(narrowed: Narrowed, *, every_scope: bool) -> list[Scope]:
    """The scopes to list. Prints to standard error how many opt-outs the list leaves out."""
    scope, sizes = known_scope(default_services(), narrowed), optouts_api.sizes()
    if every_scope and scope.topic:
        raise click.UsageError("--all lists the topics too: give no --topic")
    if not every_scope and (words := left_out(sizes, scope)) is not None:
        remark(words)
    return scopes_listed(sizes, scope, every_scope=every_scope)


@optouts.command("scopes")
@as_json
@reports_errors
def list_scopes(as_json: bool) -> None:
    """Print what people are opted out of, and how many."""
    for found, number in optouts_api.sizes().items():
        if as_json:
            print_json({"account": found.account, "topic": found.topic, "phones": number})
        else:
            print_line(f"{found.words}: {counted(number, 'phone')}")


@optouts.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@scope
@by
@click.option("--why", "--reason", "why", help="The reason, kept with each phone.  [default: the name of the file]")
@columns
@encoding
@as_json
@reports_errors
def import_optouts(
    file: Path,
    scope: Narrowed,
    by: str,
    why: str | None,
    columns: dict[str, str],
    encoding: str | None,
    as_json: bool,
) -> None:
    """Add the phones in FILE, which is read as a file of recipients is (- for standard input).

    Without a header every cell is read as a phone, with a header the columns that are called phone. Columns that are
    called account and topic say what each line is opted out of, as `optouts export --all` writes them. Lines with
    anything else are listed, the phones are added all the same, and the exit code is 1. A file that cannot be read is
    refused with exit code 2, and nothing is added.
    """
    settings = default_services().settings
    reason = why or f"import of {'standard input' if str(file) == '-' else file}"
    read = read_optouts(listed_phones(recipient_file(file, columns, encoding), settings.phone_region), scope, settings)
    for line, problem in read.problems:
        remark(f"line {line}: {problem}")
    bad = len({line for line, _ in read.problems})
    added = _added_to(read.phones, reason, by)
    if as_json:
        print_json({"added": added, "not_understood": bad})
    else:
        console.print(f"{added:,} added, {counted(bad, 'line')} not understood")
    sys.exit(FAILED if bad else 0)


@optouts.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False))
@scope
@_every_scope
@as_json
@reports_errors
def export_optouts(file: TextIO, scope: Narrowed, every_scope: bool, as_json: bool) -> None:
    """Write to FILE what `optouts list` prints (- for standard output)."""
    scopes, listed = _scopes(scope, every_scope=every_scope), default_services().optouts
    if as_json:
        file.writelines(json_line(document) + "\n" for document in list_documents(listed, scopes))
    else:
        file.writelines(list_lines(listed, scopes, table=every_scope))


def _opted_out_dict(one: OptedOut) -> dict[str, Any]:
    return {**optout_dict(one.phone, one.optout), "mailing": one.mailing, "reply": one.reply_id}
