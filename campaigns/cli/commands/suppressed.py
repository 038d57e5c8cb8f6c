"""`campaigns suppressed`: phones that the last messages did not reach."""

from __future__ import annotations

import click

from campaigns.acts import Act, Deed
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import as_json, by, why
from campaigns.cli.input.phones import normal_phones
from campaigns.cli.output.screen import console, print_json, print_line
from campaigns.text.wording import masked
from campaigns.wiring import default_services


@click.group()
def suppressed() -> None:
    """Phones that the last messages did not reach."""


@suppressed.command("list")
@as_json
@reports_errors
def list_suppressed(as_json: bool) -> None:
    """Print all, one a line; with --json also since when and after how many messages."""
    for phone, one in default_services().suppressed.details():
        print_json({"phone": phone, **one._asdict()}) if as_json else print_line(phone)


@suppressed.command("remove")
@click.argument("phones", nargs=-1, required=True)
@by
@why
@as_json
@reports_errors
def remove_suppressed(phones: tuple[str, ...], by: str, why: str, as_json: bool) -> None:
    """Let PHONES be messaged again; what does not reach them is counted anew."""
    normal = normal_phones(phones)
    named = masked(normal[0]) if len(normal) == 1 else ""
    number = default_services().suppressed.remove(normal, Act(Deed.SUPPRESSION_REMOVED, named, by, why))
    if as_json:
        print_json({"removed": number})
    else:
        console.print(f"{number:,} removed")
