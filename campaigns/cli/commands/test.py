"""`campaigns test`: a few messages of a job, to phones of one's own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.job_files import read_job
from campaigns.cli.input.options import as_json, columns, encoding
from campaigns.cli.output.previews import message_lines
from campaigns.cli.output.screen import console, print_json
from campaigns.send_test import send_test_messages
from campaigns.wiring import default_services


@click.command("test")
@click.argument("file", type=click.File("rb"))
@click.option("--to", "to", multiple=True, required=True, metavar="PHONE", help="A phone of your own. Repeatable.")
@click.option(
    "--row",
    "rows",
    multiple=True,
    type=click.IntRange(1),
    help="Whose message of a personal mailing is sent: the row of the file as a spreadsheet counts it, so that the "
    "header is row 1, or the number of the recipient in the job. Repeatable.  [default: the first recipient]",
)
@click.option(
    "--recipients",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of recipients, as of `campaigns send`.",
)
@columns
@encoding
@as_json
@reports_errors
def test(
    file: BinaryIO,
    to: tuple[str, ...],
    rows: tuple[int, ...],
    recipients: Path | None,
    columns: dict[str, str],
    encoding: str | None,
    as_json: bool,
) -> None:
    """Send messages of the job in FILE to phones of your own, exactly as recipients will get them. They are paid for.

    Prints which rows they are, and each text, picture and button. A job whose text is the same for all needs no
    recipients.

    The job's recipients get nothing. The test is a campaign of its own, which lists show as a test.
    """
    job = read_job(file)
    campaign, messages = send_test_messages(
        default_services(), job, to=to, rows=rows, recipients=recipients, columns=columns or None, encoding=encoding
    )
    if as_json:
        print_json({**campaign.status().as_dict(), "messages": [asdict(message) for message in messages]})
        return
    console.print(f"test {campaign.id}")
    for message in messages:
        for line, style in message_lines(message, several=len({one.mailing for one in messages}) > 1):
            console.print(line, style=style, soft_wrap=True)
    console.print(f"follow it: campaigns status {campaign.id} --watch", style="dim")
