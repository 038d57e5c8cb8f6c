"""A million recipients from `enqueue` to all READ: all processes of the Procfile, and the sandbox as gateway."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.enqueue import enqueue
from campaigns.sandbox.client import SandboxClient
from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.measure import Measure
from tests.benchmarks.planning import job
from tests.benchmarks.procfile import command_of, cpu_s, environment, running, services_of
from tests.support.processes import Process

#: Seconds of delivery life in a second: nine of ten phones have read theirs after some minutes of it.
_SPEED = 60
_SETTINGS = {"rate_limit": "off", "poll_min_s": "1"}
_PATIENCE_S = 900.0
_NAMES = ("quick", "bulk", "poll", "control", "beat")


def readers(number: int) -> Iterator[str]:
    """Phones whose fate in the sandbox is to read."""
    n = 0
    while number:
        if n % 10_000 < 9_900:
            yield f"37529{n:07d}"
            number -= 1
        n += 1


def measure_million(server: EmbeddedServer, folder: Path, *, quick: bool) -> Iterator[Measure]:
    number = 3_000 if quick else 1_000_000
    with _sandbox(folder) as (gateway, url):
        env = environment(server.url, url, "million:", **_SETTINGS)
        services = services_of(env)
        redis = services.store.redis
        before = redis.info("memory")["used_memory"]
        with running({name: command_of(name) for name in _NAMES}, env, folder) as processes:
            spent_s = {name: -cpu_s(process) for name, process in processes.items()}
            spent_s |= {"sandbox": -cpu_s(gateway), "store": -_server_cpu_s(redis.info("cpu"))}
            started = time.perf_counter()
            campaign = enqueue(services, job(readers(number)))
            planned_s = time.perf_counter() - started
            reached = _watch(campaign, started)
            for name, process in {**processes, "sandbox": gateway}.items():
                spent_s[name] += cpu_s(process)
            spent_s["store"] += _server_cpu_s(redis.info("cpu"))
        ledger = SandboxClient(url).summary()
        assert ledger["messages"] == number == campaign.status().statuses["READ"]
        used = redis.info("memory")["used_memory"] - before
    for stage, at_s in (("enqueue has returned", planned_s), *reached.items()):
        yield Measure(f"{number:,}: {stage}", at_s, f"s, {number / at_s:,.0f}/s")
    for name, seconds in spent_s.items():
        yield Measure(f"{number:,}: processor time, {name}", seconds, "s")
    yield Measure(f"{number:,}: requests", sum(ledger["requests"].values()), "requests")
    yield Measure(f"{number:,}: Redis in the end, a recipient", used / number, "bytes")
    redis.flushall()


def _watch(campaign: Campaign, started: float) -> dict[str, float]:
    """When each stage was reached, in seconds."""
    stages = {
        "all accepted": lambda status: status.sent,
        "all delivered": lambda status: sum(status.statuses.get(word, 0) for word in ("DELIVERED", "READ")),
        "all READ": lambda status: status.statuses.get("READ", 0),
        "settled": lambda status: status.recipients["settled"],
    }
    reached: dict[str, float] = {}
    while len(reached) < len(stages):
        status: Status = campaign.status()
        at_s = time.perf_counter() - started
        for stage, number in stages.items():
            if stage not in reached and number(status) == status.total:
                reached[stage] = at_s
        if at_s > _PATIENCE_S:
            raise TimeoutError(f"not finished: {status}")
        time.sleep(0.1)
    return reached


@contextmanager
def _sandbox(folder: Path) -> Iterator[tuple[Process, str]]:
    command = [sys.executable, "-m", "campaigns.sandbox", "--port", "0", "--speed", str(_SPEED)]
    process = Process("sandbox", command, dict(environment("", "", "")), folder)
    try:
        process.wait_for("sandbox listening on ")
        url = process.output().split("sandbox listening on ")[1].split()[0]
        SandboxClient(url).change(balance="1000000")
        yield process, url
    finally:
        process.stop()


def _server_cpu_s(info: dict[str, float]) -> float:
    return info["used_cpu_sys"] + info["used_cpu_user"]
