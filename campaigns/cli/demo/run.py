"""The demonstration: a server, the sandbox, a worker and beat, all real, and two campaigns through them.

Everything is started here, on loopback and in a temporary folder, and stopped at the end, also on Ctrl-C, SIGTERM and
when the terminal is closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.demo.comparison import compared_with
from campaigns.cli.demo.sample_job import sample_job
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.output.screen import Screen, print_error, print_json, remark
from campaigns.cli.output.status_table import status_table
from campaigns.enqueue import enqueue
from campaigns.ledger.states import OVER
from campaigns.names import QUEUES
from campaigns.sandbox import SandboxClient
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services

_SPEED = 20
_PATIENCE_S = 120.0
#: Seconds for which messages are polled: in the demonstration, and with --stay.
_HORIZON_S = 20
_STAY_S = 30 * 86_400
#: With --stay, seconds without a new final status after which the demonstration stops waiting.
_QUIET_S = 10.0
#: Settings with --stay: frequent polls, and doubt settled in a minute, because the sandbox lists mailings at once.
_STAYING: Final = {
    "CAMPAIGNS_POLL_FRACTION": "0.02",
    "CAMPAIGNS_SINGLE_POLL_FRACTION": "0.02",
    "CAMPAIGNS_SETTLE_WINDOW_S": "5",
    "CAMPAIGNS_CHECK_INTERVAL_S": "2",
}
_STOP_S = 15.0
#: Phones that reply, opt out, and never receive the message.
_SPECIAL = ("375297779909", "375297779908", "375297779901")


def run_demo(recipients: int, console: Console, *, as_json: bool = False, stay: bool = False) -> int:
    """Run it. Returns the exit code: 0 if the sandbox's ledger and our result agree phone by phone.

    With `as_json` it prints nothing but one document with the comparison at the end. With `stay` everything
    keeps running afterwards, until Ctrl-C.
    """
    console = Screen(quiet=True) if as_json else console
    started_s = time.monotonic()
    with _signals_unwind(), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campaigns-demo-")))
        server = stack.enter_context(EmbeddedServer())
        console.print(f"store    {server.url}")
        sandbox_url = stack.enter_context(_sandbox(folder))
        console.print(f"sandbox  {sandbox_url}  (a second there is {_SPEED} seconds of delivery life)")
        SandboxClient(sandbox_url).change(balance=str(1000 + recipients))
        env = environment(server.url, sandbox_url, stay=stay)
        stack.enter_context(_process(folder, "worker", env, *_CELERY, "worker", *_worker_options()))
        stack.enter_context(_process(folder, "beat", env, *_CELERY, "beat", "--loglevel", "INFO"))
        console.print("worker and beat are up")
        console.print()
        services = build_services(Settings.from_env(env))
        campaigns = [
            enqueue(services, sample_job()),
            enqueue(services, _greetings(recipients)),
        ]
        if not _follow(campaigns, console, stay=stay):
            print_error(f"the campaigns did not finish in {_PATIENCE_S:g} seconds; the end of the logs:")
            _show_logs(folder)
            return FAILED
        _await_replies(campaigns)
        compared = compared_with(campaigns, SandboxClient(sandbox_url), console)
        if stay:
            _stay(env, console)
    if as_json:
        print_json(compared)
    console.print()
    console.print(f"stopped everything after {time.monotonic() - started_s:.0f} seconds")
    return FAILED if compared["twice"] or compared["differing"] else 0


@contextmanager
def _signals_unwind() -> Iterator[None]:
    """Raise SystemExit on a signal, so that the processes that were started here are stopped as well."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    # A signal that is ignored, as nohup does, stays ignored.
    caught = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_DFL]
    for number in caught:
        signal.signal(number, unwind)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


def _stay(env: dict[str, str], console: Console) -> None:
    """Print how to send campaigns of one's own, and wait for Ctrl-C."""
    console.print()
    console.print(_INVITATION, style="bold")
    console.print(f"what every phone shows: {env['CAMPAIGNS_GATEWAY_URL']}/")
    console.print("campaigns of your own, from another terminal in this folder:")
    console.print()
    for name in ("CAMPAIGNS_REDIS_URL", "CAMPAIGNS_GATEWAY_URL", "CAMPAIGNS_TOKEN"):
        console.print(f"export {name}={env[name]}")
    console.print(f"printf '%s' '{_FIRST_JOB}' > first.json", soft_wrap=True)
    console.print(".venv/bin/campaigns send first.json --wait 60")
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


_INVITATION = "everything keeps running until Ctrl-C"
_FIRST_JOB = (
    '{"messages": [{"alphaname_id": 444, "message_type": "bulk", '
    '"content": {"type": "text", "text": "Hello"}, "delivery_list": ["+375291111111"]}]}'
)
_CELERY = (sys.executable, "-m", "celery", "--quiet", "--app", "workers")


def _worker_options() -> list[str]:
    return ["--queues", ",".join(QUEUES), "--concurrency", "2", "--loglevel", "INFO", "--without-mingle"]


def environment(redis_url: str, gateway_url: str, *, stay: bool) -> dict[str, str]:
    """The settings of the processes. With --stay they poll for days, because the page can change each status."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAMPAIGNS_", "CELERY_"))}
    return {
        **kept,
        "CAMPAIGNS_REDIS_URL": redis_url,
        "CAMPAIGNS_GATEWAY_URL": gateway_url,
        "CAMPAIGNS_TOKEN": "demo",
        "CAMPAIGNS_RATE_LIMIT": "50/1",
        "CAMPAIGNS_POLL_MIN_S": "1",
        **(_STAYING if stay else {}),
        "CAMPAIGNS_POLL_HORIZON_S": str(_STAY_S if stay else _HORIZON_S),
        "CAMPAIGNS_REPLY_WINDOW_S": str(_STAY_S),
        "CAMPAIGNS_OPTOUT_WORDS": "STOP,СТОП",
    }


def _greetings(recipients: int) -> dict[str, Any]:
    phones = [f"37533{number:07d}" for number in range(1, recipients + 1 - len(_SPECIAL))]
    return {
        "name": f"{recipients:,} greetings",
        "messages": [
            {
                "alphaname_id": "444",
                "message_type": "bulk",
                "content": {"type": "text", "text": "Good morning"},
                "delivery_list": [*_SPECIAL, *phones],
            }
        ],
    }


@contextmanager
def _process(folder: Path, name: str, env: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, in a group of its own, so that Ctrl-C reaches it through us alone."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            command,
            # Temporary files of a killed worker are deleted with the folder.
            env={**env, "TMPDIR": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    command = (sys.executable, "-m", "campaigns.sandbox", "--port", "0", "--speed", str(_SPEED))
    with _process(folder, "sandbox", dict(os.environ), *command) as process:
        until = time.monotonic() + 20
        while time.monotonic() < until and process.poll() is None:
            for line in (folder / "sandbox.log").read_text("utf-8").splitlines():
                if line.startswith("sandbox listening on "):
                    yield line.removeprefix("sandbox listening on ").strip()
                    return
            time.sleep(0.05)
        raise SystemExit("campaigns: the sandbox did not start:\n" + (folder / "sandbox.log").read_text("utf-8"))


def _follow(campaigns: list[Campaign], console: Console, *, stay: bool) -> bool:
    """Show all campaigns until they are over; with `stay` at most until no status has become final for a while.

    Returns whether that happened in time.
    """
    until = time.monotonic() + _PATIENCE_S
    quiet = Quiet()
    zone = Settings().gateway_timezone
    with Live(console=console, refresh_per_second=4) as live:
        while time.monotonic() < until:
            statuses = [campaign.status() for campaign in campaigns]
            live.update(Group(*(Group(status_table(status, zone=zone), "") for status in statuses)))
            if all(status.state in OVER for status in statuses) or (stay and quiet.for_long(statuses)):
                return True
            time.sleep(0.25)
    return False


class Quiet:
    """Whether everything is sent and no status has become final for ten seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._final = -1
        self._since_s = 0.0

    def for_long(self, statuses: list[Status]) -> bool:
        """Called with the present statuses."""
        final = sum(status.final for status in statuses)
        if final != self._final:
            self._final, self._since_s = final, self._now_s()
        out = all(status.sent == status.total for status in statuses)
        return out and self._now_s() - self._since_s > _QUIET_S


def _await_replies(campaigns: list[Campaign]) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until and not any(campaign.replies() for campaign in campaigns):
        time.sleep(0.25)


def _show_logs(folder: Path) -> None:
    for log in sorted(folder.glob("*.log")):
        lines = log.read_text("utf-8", "replace").splitlines()[-15:]
        remark(f"--- {log.name}")
        for line in lines:
            remark(line)
