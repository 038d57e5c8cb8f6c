"""Many senders at once: none waits for another that cannot act, and nothing piles up.

`python -m tests.rig.traffic [--only SCENE] [--layout procfile|one] [--seconds S]`, by default minutes. Real processes,
a real server, the sandbox as gateway.

`follow`: 1,500 requests of one recipient at 20 a second. Longest time without a status poll while one was due, most
bells that waited at the broker.
`beside`: an account with 3,000 requests waiting that is at its limit, is paused, or has no token; beside it an idle
account sends 40. Seconds until all 40 are sent, and until the first status is known.
`behind`: a campaign of three recipients behind one of 10,000 requests. Seconds until its first request, at 20 a second
and at 5 a minute.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.names import QUEUES
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.procfile import command_of, environment, running, services_of
from tests.support.jobs import bulk_job, phones
from tests.support.processes import celery

PROCFILE = ("quick", "bulk", "poll", "control", "submissions", "beat")
_PREFIX = "traffic:"


def one_for_all() -> dict[str, list[str]]:
    """One worker of two processes for every queue, and beat."""
    worker = celery(
        "worker", "--queues", ",".join(QUEUES), "--concurrency", "2", "--loglevel", "INFO", "--without-mingle"
    )
    return {"worker": worker, "beat": command_of("beat")}


def procfile() -> dict[str, list[str]]:
    return {name: command_of(name) for name in PROCFILE}


LAYOUTS = {"procfile": procfile, "one": one_for_all}


@contextmanager
def traffic(layout: str, **settings: str) -> Iterator[tuple[Services, Sandbox]]:
    """Processes at work for the accounts `default` and `shop`, unless `settings` take a token away."""
    with EmbeddedServer() as server, Sandbox(options=Options(balance="1000000")) as sandbox:
        more = {"recipients_per_request": "1", "token_shop": "s" * 40, **settings}
        env = environment(server.url, sandbox.url, _PREFIX, **more)
        env = {name: value for name, value in env.items() if value}
        with tempfile.TemporaryDirectory() as folder, running(LAYOUTS[layout](), env, Path(folder)):
            # Who enqueues has both tokens: only the workers may lack one.
            yield services_of({**env, "CAMPAIGNS_TOKEN_SHOP": "s" * 40}), sandbox


def seconds_until(condition: Callable[[], object], limit_s: float) -> float:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - began


def follow(layout: str, seconds: float) -> Iterator[str]:
    with traffic(layout) as (services, sandbox):
        enqueue(services, bulk_job([f"37529{1000000 + n}" for n in range(1500)]))
        redis, most, gap = services.store.redis, 0, 0.0
        polls, last, until = 0, time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < until:
            waiting = sum(redis.llen(f"{_PREFIX}celery:{queue}") for queue in QUEUES)
            most = max(most, waiting)
            asked = sandbox.summary()["requests"].get("statusBulkViber", 0)
            due, _ = services.due.depth("poll", services.now_ms())
            if asked != polls or not due:
                polls, last = asked, time.monotonic()
            gap = max(gap, time.monotonic() - last)
            time.sleep(0.25)
        yield f"follow, {layout}: longest time without a due poll {gap:.1f} s, bells waiting at most {most}, polls {polls}"


def beside(layout: str, _seconds: float) -> Iterator[str]:
    for trouble in ("at its limit", "paused", "without a token"):
        with traffic(layout, **({"token_shop": ""} if trouble == "without a token" else {})) as (services, _):
            enqueue(services, {**bulk_job([f"37529{2000000 + n}" for n in range(3000)]), "account": "shop"})
            if trouble == "paused":
                services.limiter.pause("shop", 600, "no money")
            time.sleep(5)
            idle = enqueue(services, bulk_job(phones(40)))
            sent_s = seconds_until(lambda idle=idle: idle.status().sent == 40, 120)
            status_s = sent_s + seconds_until(lambda idle=idle: idle.status().statuses, 120)
            yield f"beside, {layout}, {trouble}: 40 sent after {sent_s:.1f} s, first status after {status_s:.1f} s"


def behind(layout: str, _seconds: float) -> Iterator[str]:
    for rate in ("20/1", "5/60"):
        with traffic(layout, rate_limit=rate) as (services, _):
            enqueue(services, bulk_job([f"37529{3000000 + n}" for n in range(10_000)]))
            time.sleep(5)
            small: Campaign = enqueue(services, bulk_job(phones(3)))
            first_s = seconds_until(lambda small=small: small.status().recipients["planned"] < 3, 180)
            yield f"behind, {layout}, {rate}: first request of the small campaign after {first_s:.1f} s"


SCENES = {"follow": follow, "beside": beside, "behind": behind}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SCENES)
    parser.add_argument("--layout", choices=LAYOUTS)
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    for name, scene in SCENES.items():
        for layout in [options.layout] if options.layout else LAYOUTS:
            if options.only in {None, name}:
                for line in scene(layout, options.seconds):
                    print(line, flush=True)  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
