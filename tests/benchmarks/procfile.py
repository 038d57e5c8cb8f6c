"""The processes of the Procfile, as they are meant to run."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.support.processes import ROOT, Process

TOKEN = "t" * 40


def environment(redis_url: str, gateway_url: str, prefix: str, **more: str) -> dict[str, str]:
    """Defaults but for `more`, such as rate_limit="off"."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAMPAIGNS_", "CELERY_"))}
    settings = {
        "redis_url": redis_url,
        "gateway_url": gateway_url,
        "key_prefix": prefix,
        "token": TOKEN,
        **more,
    }
    return {**kept, **{f"CAMPAIGNS_{name.upper()}": value for name, value in settings.items()}}


def services_of(env: Mapping[str, str]) -> Services:
    """For a producer beside the processes."""
    return build_services(Settings.from_env({n: value for n, value in env.items() if n.startswith("CAMPAIGNS_")}))


def command_of(name: str, *more: str) -> list[str]:
    """What the Procfile says of a process."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text("utf-8").splitlines() if ": " in line)
    return [sys.executable, "-m", *shlex.split(lines[name]), *more]


@contextmanager
def running(commands: Mapping[str, Sequence[str]], env: dict[str, str], folder: Path) -> Iterator[dict[str, Process]]:
    """Processes by name, all of them ready; they are ended by their ids."""
    with ExitStack() as stack:
        started = {}
        for name, command in commands.items():
            started[name] = Process(name, command, env, folder)
            stack.callback(started[name].stop)
        for name, process in started.items():
            process.wait_for("beat: Starting..." if name == "beat" else "ready.", 60)
        yield started


def cpu_s(process: Process | int) -> float:
    """Processor time of a process and its children, in seconds."""
    whole = psutil.Process(process if isinstance(process, int) else process.pid)
    times = [one.cpu_times() for one in (whole, *whole.children(recursive=True))]
    return sum(time.user + time.system for time in times)


def until(done: object, timeout_s: float, step_s: float = 0.05) -> None:
    """Wait until `done()`. Raises TimeoutError."""
    end_s = time.monotonic() + timeout_s
    while not done():  # type: ignore[operator]
        if time.monotonic() > end_s:
            raise TimeoutError(f"not done in {timeout_s:g} s")
        time.sleep(step_s)
