"""Arguments and options that many commands share."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import click

from campaigns.cli.input.completers import accounts, campaign_ids
from campaigns.recipients import RecipientFile
from campaigns.times.gateway_times import parse_when


def who() -> str:
    """The login name of the user, or `operator` if the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")
#: For commands that print JSON lines only, so that programs can pass --json to every command.
only_json = click.option(
    "--json", is_flag=True, expose_value=False, help="Accepted, and changes nothing: output is always JSON lines."
)
by = click.option("--by", default=who, help="Your name, for the record.  [default: your login name]")
why = click.option("--why", "--reason", "why", default="", help="The reason, for the record: campaigns audit.")
required_why = click.option(
    "--why", "--reason", "why", required=True, help="The reason, for the record: campaigns audit."
)
batch_option = click.option("--batch", "batch_id", help="Only this batch, such as ID-3.")
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
    help='Which column is phone, text, button_link or {name} in a template: --column "phone=Телефон 1", or its '
    "number from 1. Repeatable.",
)
encoding = click.option("--encoding", help="Encoding of the file, such as windows-1251, if it cannot be detected.")


def since_ms(text: str, zone: ZoneInfo) -> int:
    """`--since` in unix ms; a date alone means its beginning in `zone`. Raises click.BadParameter."""
    try:
        return parse_when(text if ":" in text else f"{text.strip()} 00:00", zone)
    except ValueError:
        example = "such as 2030-05-01, 2030-05-01T10:00 or 2030-05-01T10:00:00+03:00"
        raise click.BadParameter(f"{text!r} is no date or time {example}", param_hint="--since") from None


def recipient_file(path: Path, columns: dict[str, str], encoding: str | None) -> RecipientFile:
    """The file that was named, - for standard input. Raises JobError for unknown fields in `columns`."""
    stream: BinaryIO | None = sys.stdin.buffer if str(path) == "-" else None
    return RecipientFile(stream or path, columns=columns, encoding=encoding)
