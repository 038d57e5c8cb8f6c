"""How long a quick message takes from `enqueue` to the gateway, idle and while a million others are being sent.

All processes of the Procfile run, for one account. Without a rate limit the machine is what is shared; with the
default limit it is the account.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from campaigns.enqueue import enqueue
from campaigns.services import Services
from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.measure import RUNS, Measure
from tests.benchmarks.planning import job, phones
from tests.benchmarks.procfile import command_of, environment, running, services_of, until
from tests.benchmarks.sink import sink

#: The gateway's, so that the campaign lasts longer than the measurement.
_LATENCY_S = 0.1
_NAMES = ("quick", "bulk", "poll", "control", "beat")


def measure_latency(server: EmbeddedServer, folder: Path, *, quick: bool) -> Iterator[Measure]:
    scenes = (
        ("off", "no rate limit", 30, 0.05),
        ("20/1", "20 requests a second", 8, 0.7),  # within the fast lane: two in a window and the request before it
    )
    for rate, name, messages, pause_s in scenes[-1:] if quick else scenes:
        with sink(_LATENCY_S) as url:
            env = environment(server.url, url, "latency:", rate_limit=rate)
            with running({name: command_of(name) for name in _NAMES}, env, folder):
                scene = _Scene(services_of(env), url, 2 if quick else messages, pause_s)
                idle_ms = scene.median_ms(1 if quick else RUNS)
                busy_ms = scene.median_beside_ms(1 if quick else RUNS, 50_000 if quick else 1_000_000)
            yield Measure(
                f"quick message beside a million, {name}", busy_ms, "ms", idle_ms, "idle", None if quick else 2
            )
        services_of(env).store.redis.flushall()


class _Scene:
    def __init__(self, services: Services, sink_url: str, messages: int, pause_s: float) -> None:
        self.services = services
        self._sink_url = sink_url
        self._messages = messages
        self._pause_s = pause_s
        self._next = 0

    def median_beside_ms(self, rounds: int, recipients: int) -> float:
        """The same while a campaign is under way, from the first message to the last."""
        campaign = enqueue(self.services, job(phones(recipients)))
        until(lambda: campaign.status().sent, 30)
        median_ms = self.median_ms(rounds)
        assert campaign.status().recipients["planned"], "the campaign ended before the measurement"
        campaign.cancel()
        return median_ms

    def median_ms(self, rounds: int) -> float:
        """The median of the rounds' medians."""
        sent_s: list[dict[str, float]] = []
        for _ in range(rounds):
            sent_s.append({})
            for _ in range(self._messages):
                phone = f"37544{self._next:07d}"
                self._next += 1
                sent_s[-1][phone] = time.monotonic()
                enqueue(self.services, _message(phone))
                time.sleep(self._pause_s)
        arrived_s = self._arrivals(self._next)
        return statistics.median(
            statistics.median(arrived_s[phone] - at_s for phone, at_s in one.items()) * 1000 for one in sent_s
        )

    def _arrivals(self, number: int) -> dict[str, float]:
        found: dict[str, float] = {}

        def all_there() -> bool:
            with urllib.request.urlopen(f"{self._sink_url}/arrivals", timeout=10) as answer:
                found.update(json.loads(answer.read()))
            return len(found) >= number

        until(all_there, 60, 0.2)
        return found


def _message(phone: str) -> dict[str, object]:
    return {"kind": "quick", "vibername_id": 7, "message": "Your code is 1234", "delivery_list": [phone]}
