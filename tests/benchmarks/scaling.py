"""One campaign with 1, 2 and 4 worker processes, and with workers in network namespaces, as hosts of their own."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.services import Services
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.benchmarks.measure import RUNS, Measure
from tests.benchmarks.planning import job, phones
from tests.benchmarks.procfile import command_of, environment, running, services_of, until
from tests.benchmarks.sink import sink

_LATENCY_S = 0.05
#: Addresses of this machine towards each namespace, and of the namespace.
_HOSTS = (("10.231.1.1", "10.231.1.2"), ("10.231.2.1", "10.231.2.2"))


def measure_scaling(server: EmbeddedServer, folder: Path, *, quick: bool) -> Iterator[Measure]:
    scenes = ((0.0, 300_000, "at once"), (_LATENCY_S, 100_000, "after 50 ms"))
    for latency_s, number, name in scenes[-1:] if quick else scenes:
        one = 0.0
        for processes in (2,) if quick else (1, 2, 4):
            with sink(latency_s) as url:
                env = environment(server.url, url, "scaling:", rate_limit="off")
                commands = {"bulk": command_of("bulk", "--concurrency", str(processes)), **_others()}
                with running(commands, env, folder):
                    rate = _rate(services_of(env), number // 50 if quick else number, 1 if quick else RUNS)
            one = one or rate
            title = f"{processes} worker process{'es' if processes > 1 else ''}, answers {name}"
            yield Measure(title, rate, "recipients/s", one, "one process")
    yield from _hosts(folder, quick=quick)


def _hosts(folder: Path, *, quick: bool) -> Iterator[Measure]:
    """One worker process on one and then on each of two hosts; store and gateway are a third."""
    number, runs = (2_000, 1) if quick else (100_000, RUNS)
    if why := _no_namespaces():
        yield Measure(f"two hosts: not measured, {why}", 0, "recipients/s")
        return
    one = 0.0
    with _namespaces() as names:
        bind = " ".join(["127.0.0.1", *(near for near, _ in _HOSTS)])
        with EmbeddedServer(config={"bind": bind, "protected-mode": "no"}) as server:
            for hosts in (2,) if quick else (1, 2):
                with sink(_LATENCY_S, host="") as url:
                    rate = _rate_of_hosts(server.url, url, names[:hosts], folder, number, runs)
                one = one or rate
                title = f"{hosts} host{'s' if hosts > 1 else ''} of one process, answers after 50 ms"
                yield Measure(title, rate, "recipients/s", one, "one host")


def _rate_of_hosts(
    redis_url: str, gateway_url: str, names: Sequence[str], folder: Path, number: int, runs: int
) -> float:
    here = environment(redis_url, gateway_url, "hosts:", rate_limit="off")
    with ExitStack() as stack:
        for name, (near, _) in zip(names, _HOSTS, strict=False):
            env = {
                **here,
                "CAMPAIGNS_REDIS_URL": redis_url.replace("127.0.0.1", near),
                "CAMPAIGNS_GATEWAY_URL": gateway_url.replace("127.0.0.1", near),
            }
            inside = [_ip(), "netns", "exec", name]
            command = [*inside, *command_of("bulk", "--concurrency", "1", "--hostname", f"bulk@{name}")]
            stack.enter_context(running({"bulk": command}, env, folder))
        stack.enter_context(running(_others(), here, folder))
        return _rate(services_of(here), number, runs)


def _others() -> Mapping[str, Sequence[str]]:
    return {"control": command_of("control", "--concurrency", "1"), "beat": command_of("beat")}


def _rate(services: Services, recipients: int, runs: int) -> float:
    """Recipients per second from the moment a planned campaign may go out; the median of the runs."""
    rows, rates = phones(recipients), []
    still = build_services(services.settings, ring=lambda *_: True)
    for _ in range(runs):
        campaign = Campaign.of(services, enqueue(still, job(rows)).id)
        campaign.pause()
        sent = campaign.status().sent
        started = time.perf_counter()
        campaign.resume()
        until(lambda of=campaign: of.status().sent == recipients, 120, 0.01)
        rates.append((recipients - sent) / (time.perf_counter() - started))
    return statistics.median(rates)


def _ip() -> str:
    return shutil.which("ip") or "ip"


def _no_namespaces() -> str:
    if os.geteuid():
        return "only root may make network namespaces"
    if not shutil.which("ip"):
        return "there is no ip command"
    return ""


@contextmanager
def _namespaces() -> Iterator[list[str]]:
    """A network namespace per host, each with a cable of its own to this machine, removed in the end."""
    names = [f"campaigns-{os.getpid()}-{number}" for number in range(len(_HOSTS))]
    with ExitStack() as stack:
        for number, (name, (near, far)) in enumerate(zip(names, _HOSTS, strict=True)):
            cable = f"cb{os.getpid()}-{number}"
            _do("netns", "add", name)
            # The cable goes with the namespace that holds one of its ends.
            stack.callback(_do, "netns", "del", name)
            _do("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            _do("addr", "add", f"{near}/30", "dev", cable)
            _do("link", "set", cable, "up")
            _do("-n", name, "addr", "add", f"{far}/30", "dev", "eth0")
            _do("-n", name, "link", "set", "eth0", "up")
            _do("-n", name, "link", "set", "lo", "up")
        yield names


def _do(*arguments: str) -> None:
    subprocess.run([_ip(), *arguments], check=True)
