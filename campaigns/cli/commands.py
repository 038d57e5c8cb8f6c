"""The commands. Each prints for people, or with --json one JSON document a line."""

from __future__ import annotations

import sys

import click

from campaigns import __version__
from campaigns.cli.advice import AdvisingGroup
from campaigns.cli.auditing import audit
from campaigns.cli.completing import completion
from campaigns.cli.consuming import events
from campaigns.cli.demo import run_demo
from campaigns.cli.describing import schema
from campaigns.cli.examining import doctor
from campaigns.cli.exporting import export
from campaigns.cli.failures import FAILED, print_error, reports_errors
from campaigns.cli.living import alive
from campaigns.cli.measuring import metrics
from campaigns.cli.operating import account_resumed, approve, cancel, pause, poll, reschedule, resolve, resume, retry
from campaigns.cli.options import as_json
from campaigns.cli.people import erase, explain, optouts
from campaigns.cli.reading import deliveries, excluded, list_, replies, status
from campaigns.cli.recovering import recover
from campaigns.cli.reporting import report
from campaigns.cli.screen import console, print_json
from campaigns.cli.sending import send
from campaigns.cli.serving import callbacks
from campaigns.cli.submitting import submissions
from campaigns.cli.trying import test


@click.group(cls=AdvisingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="campaigns")
def cli() -> None:
    """Send Viber campaigns: never twice, never lost.

    Settings come from the environment (CAMPAIGNS_REDIS_URL, CAMPAIGNS_TOKEN, ...).

    Exit codes: 0 well; 1 not reached; 2 wrong command line, job or setting; 3 no Redis; 4 no such campaign;
    5 not possible in this state; 130 Ctrl-C.
    """


for _command in (
    send,
    test,
    status,
    list_,
    deliveries,
    replies,
    excluded,
    pause,
    resume,
    approve,
    cancel,
    reschedule,
    poll,
    resolve,
    retry,
    account_resumed,
    callbacks,
    metrics,
    submissions,
    events,
    explain,
    erase,
    optouts,
    report,
    export,
    completion,
    schema,
    doctor,
    alive,
    audit,
    recover,
):
    cli.add_command(_command)


@cli.command(short_help="Start everything here, and send to the sandbox.")
@click.option("--recipients", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--stay", is_flag=True, help="Leave everything up afterwards, for campaigns of your own, until Ctrl-C.")
@as_json
@reports_errors
def demo(recipients: int, stay: bool, as_json: bool) -> None:
    """Start everything on this machine, send two campaigns to the sandbox, and stop it all again."""
    if stay and as_json:
        raise click.UsageError("give --stay or --json, not both")
    sys.exit(run_demo(recipients, console, as_json=as_json, stay=stay))


@cli.command(short_help="Run a local gateway, until Ctrl-C.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8025, show_default=True, type=click.IntRange(0, 65535))
@click.option("--speed", default=1.0, show_default=True, help="Seconds of delivery life per second.")
@click.option("--dialect", default="documented", show_default=True, help="How it answers: --dialect help lists all.")
@click.option("--balance", default="1000", show_default=True, help="Euros of a token seen for the first time.")
@click.option("--token", default="", help="The only token that is let in.  [default: any]")
@as_json
@reports_errors
def sandbox(host: str, port: int, as_json: bool, **options: object) -> None:
    """Run a local gateway with the same eleven methods, until Ctrl-C."""
    try:
        from campaigns.sandbox.dialects import sentences  # noqa: PLC0415 (an extra)
        from campaigns.sandbox.options import Options, changed  # noqa: PLC0415
        from campaigns.sandbox.server import serve  # noqa: PLC0415
    except ImportError:
        print_error("the sandbox is an extra: pip install 'viber-campaigns[sandbox]'")
        sys.exit(FAILED)
    if options["dialect"] == "help":
        for name, sentence in sentences().items():
            console.print(f"{name:12} {sentence}", soft_wrap=True, highlight=False)
        return
    try:
        chosen = changed(Options(), options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        serve(host, port, options=chosen, ready=_sandbox_as_json if as_json else _tell_sandbox)
    except OSError as error:
        print_error(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port")
        sys.exit(FAILED)


def _tell_sandbox(url: str) -> None:
    console.print(f"sandbox listening on {url}")
    console.print(f"its page, with phones and faults: {url.replace('//0.0.0.0:', '//127.0.0.1:')}/", soft_wrap=True)


def _sandbox_as_json(url: str) -> None:
    print_json({"url": url})
