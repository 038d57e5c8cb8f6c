"""`campaigns doctor`: what the doctor finds, for people or as JSON lines."""

from __future__ import annotations

import sys

import click

from campaigns.cli.doctor.examination import examine
from campaigns.cli.doctor.findings import FAIL
from campaigns.cli.doctor.table import findings_lines, findings_table
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.output.screen import console, print_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one finding a line.")
@reports_errors
def doctor(as_json: bool) -> None:
    """Check what campaigns need: server, persistence, beat, workers, events, clocks, tokens, gateway.

    Costs nothing and changes nothing; takes five seconds at most. Exit code 1 if anything failed.
    """
    findings = examine()
    if as_json:
        for finding in findings:
            print_json(finding._asdict())
    elif console.is_terminal:
        console.print(findings_table(findings), soft_wrap=False)
    else:
        for line in findings_lines(findings):
            console.print(line)
    sys.exit(FAILED if any(finding.verdict == FAIL for finding in findings) else 0)
