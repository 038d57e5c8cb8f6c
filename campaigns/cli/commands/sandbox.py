"""`campaigns sandbox`: a local gateway."""

from __future__ import annotations

import sys

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import console, print_error, print_json


@click.command(short_help="Run a local gateway, until Ctrl-C.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8025, show_default=True, type=click.IntRange(0, 65535))
@click.option("--speed", default=1.0, show_default=True, help="Seconds of a delivery's life that pass per second.")
@click.option("--dialect", default="documented", show_default=True, help="How it answers: --dialect help lists all.")
@click.option("--balance", default="1000", show_default=True, help="Euros on the account of a new token.")
@click.option("--token", default="", help="The only token that is accepted.  [default: any]")
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
        serve(host, port, options=chosen, ready=_sandbox_as_json if as_json else _print_sandbox)
    except OSError as error:
        print_error(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port")
        sys.exit(FAILED)


def _print_sandbox(url: str) -> None:
    console.print(f"sandbox listening on {url}")
    console.print(f"its page, with phones and faults: {url.replace('//0.0.0.0:', '//127.0.0.1:')}/", soft_wrap=True)


def _sandbox_as_json(url: str) -> None:
    print_json({"url": url})
