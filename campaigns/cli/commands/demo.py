"""`campaigns demo`: everything on this machine, and two campaigns sent to the sandbox."""

from __future__ import annotations

import sys

import click

from campaigns.cli.demo.run import run_demo
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import console


@click.command(short_help="Start everything on this machine, and send to the sandbox.")
@click.option("--recipients", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option(
    "--stay", is_flag=True, help="Keep everything running afterwards, for campaigns of your own, until Ctrl-C."
)
@as_json
@reports_errors
def demo(recipients: int, stay: bool, as_json: bool) -> None:
    """Start everything on this machine, send two campaigns to the sandbox, and stop it all again."""
    if stay and as_json:
        raise click.UsageError("give --stay or --json, not both")
    sys.exit(run_demo(recipients, console, as_json=as_json, stay=stay))
