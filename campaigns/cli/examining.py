"""`campaigns doctor`: what the doctor finds, for people or as JSON lines."""

from __future__ import annotations

import sys

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from campaigns.cli.doctor import examine
from campaigns.cli.failures import FAILED, told
from campaigns.cli.findings import FAIL, OK, SKIP, WARN, Finding, summed_up
from campaigns.cli.show import console, print_json

_STYLES = {OK: "green", WARN: "yellow", FAIL: "red", SKIP: "dim"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one finding a line.")
@told
def doctor(as_json: bool) -> None:
    """Check what campaigns need: server, persistence, beat, workers, events, clocks, tokens, gateway.

    Costs nothing and changes nothing; takes five seconds at most. Exit code 1 if anything failed.
    """
    findings = examine()
    if as_json:
        for finding in findings:
            print_json(finding._asdict())
    else:
        console.print(findings_table(findings), soft_wrap=False)
    sys.exit(FAILED if any(finding.verdict == FAIL for finding in findings) else 0)


def findings_table(findings: list[Finding]) -> RenderableType:
    """A line each, the remedy under it, and a line that sums up."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, max_width=20)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(Text(finding.verdict, _STYLES[finding.verdict]), Text(finding.what), Text(finding.found))
        if finding.remedy:
            table.add_row("", "", Text(f"→ {finding.remedy}", "bold"))
    worst = next((v for v in (FAIL, WARN) if any(finding.verdict == v for finding in findings)), OK)
    return Group(table, Text(summed_up(findings), _STYLES[worst]))
