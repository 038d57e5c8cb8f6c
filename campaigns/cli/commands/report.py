"""`campaigns report`: a campaign as one page for people, or as a row per message for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import full_id
from campaigns.cli.input.options import campaign_id
from campaigns.cli.output.files import STDOUT, write_out
from campaigns.reports import LANGUAGES, page, report_on, rows
from campaigns.reports.rows import csv_lines, excel_lines, json_lines
from campaigns.wiring import default_services


@click.command(short_help="Write a report on a campaign: a page, or rows.")
@campaign_id
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Where to write it (- for standard output). Default: report-ID.html, and standard output for rows.",
)
@click.option(
    "--language",
    type=click.Choice(sorted(LANGUAGES)),
    help="The language of the page, or of the CSV's header: English (the default) or Russian.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Instead of the page a row per message, as CSV.")
@click.option(
    "--excel",
    is_flag=True,
    help="The CSV for an Excel whose list separator is a semicolon: UTF-8 with a mark, phones as text, times as it "
    "reads them. Implies --csv.",
)
@click.option("--json", "as_json", is_flag=True, help="Instead of the page a row per message, as JSON lines.")
@reports_errors
def report(
    campaign_id: str, output: Path | None, language: str | None, as_csv: bool, excel: bool, as_json: bool
) -> None:
    """Write a report on a campaign: one HTML file that needs nothing else, for screen and paper.

    The page answers first which text did better, what a read message cost, why messages failed, when people read, who
    must not be written to again and what is still open. Phones are masked on the page and whole in rows: phone,
    mailing, state, status, time, error code and number of replies. Rows are written as they are read. In CSV an
    apostrophe stands before a cell that a spreadsheet would read as a formula, whether its list separator is a comma or
    a semicolon.
    """
    if (as_csv or excel) and as_json:
        raise click.UsageError("give --csv or --json, not both")
    if language and as_json:
        raise click.UsageError("--language is for the page and for CSV: JSON has the same names in all languages")
    campaign_id = full_id(campaign_id)
    if as_csv or excel or as_json:
        lines = _row_lines(campaign_id, language or "en", excel=excel, as_json=as_json)
        output = output or STDOUT
    else:
        lines = iter([page(report_on(default_services(), campaign_id), language or "en")])
        output = output or Path(f"report-{campaign_id}.html")
    write_out(output, lines)


def _row_lines(campaign_id: str, language: str, *, excel: bool, as_json: bool) -> Iterator[str]:
    """A row per message, in the form that was asked for."""
    services = default_services()
    found = rows(services, campaign_id)
    if as_json:
        return json_lines(found)
    if excel:
        return excel_lines(found, services.settings.gateway_timezone, LANGUAGES[language])
    return csv_lines(found, LANGUAGES[language])
