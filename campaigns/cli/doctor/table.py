"""The doctor's findings as lines for a file or as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from campaigns.cli.doctor.findings import FAIL, OK, SKIP, WARN, Finding, summed_up

_STYLES = {OK: "green", WARN: "yellow", FAIL: "red", SKIP: "dim"}


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
