"""`campaigns report`: a campaign as one page for people, or as a row per message for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from campaigns.cli.failures import FAILED, complain, told
from campaigns.cli.show import console
from campaigns.reporting import csv_lines, json_lines, page, report_on, rows

_STDOUT = Path("-")


@click.command()
@click.argument("campaign_id")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Where to write it (- for standard output). Default: report-ID.html, and standard output for rows.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Instead of the page a row per message, as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Instead of the page a row per message, as JSON lines.")
@told
def report(campaign_id: str, output: Path | None, as_csv: bool, as_json: bool) -> None:
    """Write a report on a campaign: one HTML file that needs nothing else, for screen and paper.

    Phones are masked on the page and whole in rows: phone, mailing, state, status, time, error code and number of
    replies. Rows are written as they are read; a CSV cell that a spreadsheet would take for a formula gets an
    apostrophe in front.
    """
    if as_csv and as_json:
        raise click.UsageError("give --csv or --json, not both")
    if as_csv or as_json:
        lines = (csv_lines if as_csv else json_lines)(rows(campaign_id))
        output = output or _STDOUT
    else:
        lines = iter([page(report_on(campaign_id))])
        output = output or Path(f"report-{campaign_id}.html")
    if output == _STDOUT:
        _print(lines)
        return
    _write(output, lines)
    console.print(f"written: {output}", soft_wrap=True)


def _print(lines: Iterable[str]) -> None:
    stream = sys.stdout.buffer
    for line in lines:
        stream.write(line.encode())
    stream.flush()


def _write(path: Path, lines: Iterable[str]) -> None:
    """Put a whole report into its place; into what is no file, such as a pipe, it is written as it comes."""
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8", newline="") as device:
                device.writelines(lines)
        else:
            # A link stays a link, and leads to the report.
            _replace(Path(os.path.realpath(path)), lines)
    except OSError as error:
        complain(f"cannot write {path}: {error.strerror or error}")
        sys.exit(FAILED)


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Write beside the file and put it in its place in the end, so that nobody finds half a report."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    file = part.open("x", encoding="utf-8", newline="")
    try:
        with file:
            file.writelines(lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
