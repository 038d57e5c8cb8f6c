"""`campaigns results`: what became of each mailing of a campaign, side by side."""

from __future__ import annotations

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import as_json, campaign_id
from campaigns.cli.output.files import STDOUT, write_out
from campaigns.cli.output.results_table import results_table
from campaigns.cli.output.screen import console, print_json
from campaigns.reports import LANGUAGES, mailing_lines


@click.command()
@campaign_id
@click.option("--csv", "as_csv", is_flag=True, help="A row per mailing, as CSV.")
@click.option(
    "--excel",
    is_flag=True,
    help="The CSV for an Excel whose list separator is a semicolon, with decimal commas. Implies --csv.",
)
@click.option(
    "--language",
    type=click.Choice(sorted(LANGUAGES)),
    help="The language of the CSV's header: English (the default) or Russian.",
)
@as_json
@reports_errors
def results(campaign_id: str, as_csv: bool, excel: bool, language: str | None, as_json: bool) -> None:
    """Show what became of each mailing: sent, delivered, read, replied, opted out, failed, cost per read message.

    Of several mailings it also says which was read most, and whether the difference is larger than chance explains.
    """
    if (as_csv or excel) and as_json:
        raise click.UsageError("give --csv or --json, not both")
    if language and not (as_csv or excel):
        raise click.UsageError(f"--language is for --csv and --excel; a page: campaigns report --language {language}")
    found = found_campaign(campaign_id).results()
    if as_json:
        print_json(found.as_dict())
    elif as_csv or excel:
        write_out(STDOUT, mailing_lines(found, excel=excel, language=LANGUAGES[language or "en"]))
    else:
        console.print(results_table(found))
