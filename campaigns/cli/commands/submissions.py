"""`campaigns submissions`: messages in which no job could be found."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import console, print_error, print_json
from campaigns.text.harmless import harmless
from campaigns.wiring import default_services


@click.group(short_help="Submitted messages that could not be read.")
def submissions() -> None:
    """Messages in the queue `submissions` in which no job could be found. Their contents are not kept.

    A message with a job that breaks rules is not among them: it becomes a campaign in the state `invalid`.
    """


@submissions.command("list")
@as_json
@reports_errors
def list_(as_json: bool) -> None:
    """Print them, the newest first, each with the reason and what to do."""
    services = default_services()
    zone = services.settings.gateway_timezone
    for one in services.rejected.newest():
        if as_json:
            print_json(one.as_dict())
            continue
        name = one.id or "no id"
        at = datetime.fromtimestamp(one.at_ms / 1000, tz=zone).isoformat(" ", "seconds")
        line = f"{one.digest}  {at}  queue {one.queue}, task {one.task or 'none'}, {name}: {one.reason}"
        console.print(harmless(line), markup=False, soft_wrap=True)


@submissions.command()
@click.argument("digest", required=False)
@click.option("--all", "everything", is_flag=True, help="Discard all of them.")
@as_json
@reports_errors
def discard(digest: str | None, everything: bool, as_json: bool) -> None:
    """Discard one, by the first word of its line, or all, once they are dealt with."""
    if (digest is None) != everything:
        raise click.UsageError("give a DIGEST, or --all")
    rejected = default_services().rejected
    number = rejected.discard_all() if digest is None else int(rejected.discard(digest))
    if as_json:
        print_json({"discarded": number})
    elif number or everything:
        console.print(f"discarded: {number}")
    if not number and not everything:
        print_error(f"there is no such message: {digest}")
        sys.exit(FAILED)
