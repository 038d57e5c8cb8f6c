"""`campaigns send`: a job handed in, or only looked at."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TextIO

import click

from campaigns.cli.failures import FAILED, told
from campaigns.cli.following import followed
from campaigns.cli.options import as_json
from campaigns.cli.previews import preview_lines, request_text
from campaigns.cli.screen import console, print_json
from campaigns.cli.show import status_table
from campaigns.errors import JobError
from campaigns.handle import Status
from campaigns.previewing import preview
from campaigns.producer import enqueue


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--recipients",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV or JSON-lines file of recipients.",
)
@click.option("--key", help="The same key with the same job never makes a second campaign.")
@click.option("--strict", is_flag=True, help="Refuse the job if any recipient would be taken out.")
@click.option("--wait", "wait_s", type=float, help="Wait so many seconds for the campaign to finish.")
@click.option("--dry-run", is_flag=True, help="Only check, count and show the first request; store and send nothing.")
@as_json
@told
def send(
    file: TextIO,
    recipients: Path | None,
    key: str | None,
    strict: bool,
    wait_s: float | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Enqueue the job in FILE (JSON; - for standard input).

    With --dry-run nothing is stored or sent; the exit code is 2 if the job would be refused. Of the first request
    a few recipients are shown, with --json all.
    """
    if dry_run and wait_s is not None:
        raise click.UsageError("give --dry-run or --wait, not both")
    try:
        job = json.load(file)
    except ValueError as error:
        raise JobError({"file": [f"is not JSON: {error}"]}) from None
    if dry_run:
        _look_at(job, key=key, recipients=recipients, strict=strict, as_json=as_json)
        return
    campaign = enqueue(job, key=key, strict=strict, recipients=recipients)
    if not as_json:
        console.print(f"campaign {campaign.id}")
    status = campaign.status()
    if wait_s is not None:
        status = followed(campaign, wait_s, console) if not as_json else campaign.wait(wait_s)
    if as_json:
        print_json(status.as_dict())
    elif wait_s is None:
        console.print(status_table(status))
        console.print(f"follow it: campaigns status {campaign.id} --watch", style="dim")
    if wait_s is not None:
        _leave_by(status)


def _look_at(job: Any, *, key: str | None, recipients: Path | None, strict: bool, as_json: bool) -> None:
    found = preview(job, key=key, recipients=recipients, strict=strict)
    if as_json:
        print_json(found.as_dict())
    else:
        for line, style in preview_lines(found):
            console.print(line, style=style)
        # Not broken by us, so that it can be copied.
        for line in request_text(found).splitlines():
            console.print(line, soft_wrap=True)
    if found.refused:
        raise JobError(found.refused)


def _leave_by(status: Status) -> None:
    """Exit code 1 unless everybody who could be messaged was."""
    bad = sum(status.recipients.get(fate, 0) for fate in ("rejected", "held", "unknown", "written_off"))
    if status.state != "finished" or bad:
        sys.exit(FAILED)
