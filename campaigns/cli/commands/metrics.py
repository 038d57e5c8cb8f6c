"""`campaigns metrics`: the exporter for Prometheus as a process of its own."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from campaigns import __version__
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import console, print_error, print_json, print_text
from campaigns.logs import to_stderr
from campaigns.metrics.described import BUILD, Sample
from campaigns.metrics.page import page as page_of
from campaigns.metrics.reading import Reader, read
from campaigns.wiring import INTERACTIVE, consumer_settings, open_store


@click.command(short_help="Serve metrics to Prometheus, until Ctrl-C.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9808, show_default=True, type=click.IntRange(0, 65535))
@click.option("--page", is_flag=True, help="Print the reference of all metrics, as Markdown, and nothing else.")
@as_json
@reports_errors
def metrics(host: str, port: int, page: bool, as_json: bool) -> None:
    """Serve metrics from the store to Prometheus, until Ctrl-C. One exporter is enough for all workers."""
    if page:
        print_text(page_of())
        return
    try:
        from campaigns.metrics.exposition import registry_of, serve  # noqa: PLC0415 (needs an extra)
    except ImportError:
        print_error("metrics are an extra: pip install 'viber-campaigns[metrics]'")
        sys.exit(FAILED)
    settings = consumer_settings()
    store = open_store(settings, INTERACTIVE)
    reader = Reader(lambda: read(store, settings))
    build = Sample(BUILD, (__version__,), 1)
    with to_stderr(settings.log_format):
        try:
            server = serve(registry_of(lambda: [build, *reader.samples()]), host, port)
        except OSError as error:
            print_error(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port")
            sys.exit(FAILED)
        url = f"http://{host}:{server.server_port}/metrics"
        if as_json:
            print_json({"url": url})
        else:
            console.print(f"metrics on {url}")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
        while True:
            signal.pause()


def _end(_: int, __: FrameType | None) -> NoReturn:
    sys.exit(0)
