"""Arguments and options that many commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from campaigns.cli.completing import accounts, campaign_ids
from campaigns.recipients import RecipientFile

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")
#: For commands that print nothing but JSON lines, so that programs may say --json everywhere.
only_json = click.option(
    "--json", is_flag=True, expose_value=False, help="Changes nothing: JSON lines are all there is."
)
campaign_id = click.argument("campaign_id", shell_complete=campaign_ids)
account = click.argument("account", shell_complete=accounts)


def _columns(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [text for text, (_, equals, name) in zip(given, pairs, strict=True) if not equals or not name.strip()]:
        raise click.BadParameter(f"{wrong[0]!r} must be FIELD=NAME, such as phone=Телефон")
    return {field.strip(): name for field, _, name in pairs}


columns = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    callback=_columns,
    help='Which column is phone, text or button_link: --column "phone=Телефон 1", or its number from 1. Repeatable.',
)
encoding = click.option(
    "--encoding", help="How the file is written, such as windows-1251, if that cannot be found out."
)


def recipient_file(path: Path, columns: dict[str, str], encoding: str | None) -> RecipientFile:
    """The file that was named, - for standard input. Raises JobError for fields that no file of recipients has."""
    stream: BinaryIO | None = sys.stdin.buffer if str(path) == "-" else None
    return RecipientFile(stream or path, columns=columns, encoding=encoding)
