"""`campaigns callbacks`: the receiver of callbacks as a process of its own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

import click

from campaigns.callbacks import application
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import console, print_error, print_json
from campaigns.errors import SettingsError
from campaigns.health.signs import CALLBACKS, LifeSign, folder_of
from campaigns.health.supervising import tell_watchdog
from campaigns.logs import to_stderr
from campaigns.settings import variable_of
from campaigns.wiring import default_services


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8026, show_default=True, type=click.IntRange(0, 65535))
@as_json
@reports_errors
def callbacks(host: str, port: int, as_json: bool) -> None:
    """Receive the gateway's callbacks, until Ctrl-C. Put your TLS proxy in front of it."""
    try:
        from campaigns.cli.callback_server import Receiver  # noqa: PLC0415 (needs an extra)
    except ImportError:
        print_error("receiving callbacks is an extra: pip install 'viber-campaigns[callbacks]'")
        sys.exit(FAILED)
    settings = default_services().settings
    base = settings.callback_base_url
    if base is None:
        raise SettingsError({variable_of("callback_base_url"): "is not set, so the gateway is not asked for callbacks"})
    try:
        server = Receiver(application, host, port)
    except OSError as error:
        print_error(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port")
        sys.exit(FAILED)
    except ValueError:
        print_error(f"{host} has no address; choose another with --host")
        sys.exit(FAILED)
    url = f"http://{host}:{server.effective_port}"
    if as_json:
        print_json({"url": url, "callback_base_url": base})
    else:
        console.print(f"callbacks for {base} on {url}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ending(server.stop))
    sign = LifeSign(folder_of(settings), CALLBACKS)
    server.turned = _turned(sign)
    try:
        with to_stderr(settings.log_format):
            server.run()
    finally:
        server.close()
        sign.remove()


def _turned(sign: LifeSign) -> Callable[[], None]:
    def turned() -> None:
        if sign.turned():
            tell_watchdog()

    return turned


def _ending(stop: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    """A handler that stops the server on the first signal, and exits at once on the second."""
    asked = False

    def end(_: int, __: FrameType | None) -> None:
        nonlocal asked
        if asked:
            sys.exit(FAILED)
        asked = True
        stop()

    return end
