"""What watching costs: scripts that raise the counters of metrics, and an exporter that reads them, against neither."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

import campaigns.store.client
from campaigns.metrics import reading
from campaigns.services import Services
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.benchmarks.measure import Measure, alternating_s
from tests.benchmarks.replicas import enqueued, sent, taken_in
from tests.benchmarks.sending import services_for
from tests.benchmarks.sink import sink

#: Watching may cost what two runs of the same thing differ by.
_LIMIT = 1.1
#: A Prometheus reads every fifteen seconds or so.
_READS_EVERY_S = 1.0
_COUNTER = "local function tally(account, field, by)\n"


def measure_watching(server: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    with sink() as url:
        blind, counted, read = (
            services_for(server.url, url, f"watching-{name}:") for name in ("blind", "counted", "read")
        )
        number, batches = (20, 2) if quick else (500, 60)
        for name, of_each, act in (
            ("enqueue, a single message", number, lambda services: enqueued(services, number)),
            ("sending, a batch of a thousand", batches, lambda services: sent(services, batches)),
            ("intake, a reply", number, lambda services: taken_in(services, number)),
        ):
            with uncounted():
                blindly = act(blind)
            acts = [_blind(blindly), act(counted), _read(read, act(read))]
            blind_s, counted_s, read_s = alternating_s(acts)
            without = blind_s / of_each * 1e3
            for how, took_s in (("counted", counted_s), ("counted, and read every second", read_s)):
                yield Measure(f"{name}, {how}", took_s / of_each * 1e3, "ms", without, "not counted", _LIMIT)


@contextmanager
def uncounted() -> Iterator[None]:
    """Scripts that are loaded meanwhile raise no counter."""
    text = campaigns.store.client.script_text

    def without(name: str) -> str:
        return text(name).replace(_COUNTER, f"{_COUNTER}  do return end\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaigns.store.client, "script_text", without)
        yield


def _blind(act: Callable[[], object]) -> Callable[[], object]:
    def blindly() -> None:
        with uncounted():
            act()

    return blindly


def _read(services: Services, act: Callable[[], object]) -> Callable[[], object]:
    """The same while another thread reads all metrics, as the exporter does."""

    def watched() -> None:
        over = threading.Event()
        exporter = build_services(replace(services.settings), ring=lambda *_: True)

        def read() -> None:
            while not over.wait(_READS_EVERY_S):
                reading.read(exporter.store, exporter.settings)

        thread = threading.Thread(target=read)
        thread.start()
        act()
        over.set()
        thread.join()

    return watched
