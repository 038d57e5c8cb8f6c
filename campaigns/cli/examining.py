"""`campaigns doctor`: what the doctor finds, for people or as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from campaigns.cli.doctor import examine
from campaigns.cli.failures import FAILED, reports_errors
from campaigns.cli.findings import FAIL, OK, SKIP, WARN, Finding, summed_up
from campaigns.cli.screen import console, print_json

_STYLES = {OK: "green", WARN: "yellow", FAIL: "red", SKIP: "dim"}


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


def findings_lines(findings: list[Finding]) -> Iterator[str]:
    """For a file or a pipe: nothing is wrapped, and no line ends in spaces."""
    wide = max(len(finding.what) for finding in findings)
    for finding in findings:
        yield f"{finding.verdict:<4}  {finding.what:<{wide}}  {finding.found}".rstrip()
        if finding.remedy:
            yield f"{'':<{wide + 8}}→ {finding.remedy}"
    yield summed_up(findings)


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
