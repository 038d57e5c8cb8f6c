"""The table of single messages: medians of three."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path

from campaigns.store.embedded import EmbeddedServer
from tests.benchmarks.measure import Measure
from tests.benchmarks.procfile import until
from tests.benchmarks.singles.ours import Layout, Scene, fastest, producer, rate_of_enqueueing, scene, shipped
from tests.benchmarks.singles.peers.contests import LOCK, PEERS, Peer, contest
from tests.benchmarks.sink import set_latency, sink

_RUNS = 3
#: Latency of the gateway in seconds, and messages of one run: fewer where each takes long.
_SCENES = ((0.0, 2000), (0.05, 2000), (0.3, 900))
_SHIPPED = "the Procfile"
#: How a producer stores messages: by what, `many` at once, by how many threads, how many in a run, and how many a second
#: are wanted. Threads do not wait for each other's round trips, and the store syncs the messages of several at once.
_PRODUCERS = (
    ("enqueue", False, 1, 1000, None),
    ("enqueue, four threads", False, 4, 2000, 1000.0),
    ("enqueue_many", True, 1, 4000, 5000.0),
)
#: Least messages a second that are wanted to the last answer, by layout and latency, of a producer that does not wait
#: for each message: one thread with `enqueue` waits for a sync of the store with every message, while workers keep the
#: store busy.
_WANTED = {("best settings", 0.0): 1000.0, ("best settings", 0.05): 1000.0, (_SHIPPED, 0.3): 150.0}


def measure_singles(server: EmbeddedServer, folder: Path, *, quick: bool) -> Iterator[Measure]:
    reached: dict[float, dict[str, float]] = {}
    for latency_s, number in _SCENES[:1] if quick else _SCENES:
        reached[latency_s] = {}
        for peer in PEERS[:1] if quick else PEERS:
            if not peer.installed:
                yield Measure(f"{peer.name}: not measured, {LOCK} is not installed", 0, "messages/s")
                continue
            measures = list(_of_peer(server, peer, latency_s, folder, 20 if quick else number))
            reached[latency_s][peer.name] = measures[0].value
            yield from measures
    yield from _enqueueing(server, quick=quick)
    for layout in (fastest(),) if quick else (fastest(), shipped()):
        yield from _end_to_end(server, layout, folder, reached, quick=quick)


def _of_peer(server: EmbeddedServer, peer: Peer, latency_s: float, folder: Path, number: int) -> Iterator[Measure]:
    """The same messages as tasks that only post them, until the gateway has answered the last one."""
    with sink(latency_s) as url, contest(peer, peer.under_way[latency_s], server.url, url, folder) as found:
        rates = [number / found.end_to_end_s(number) for _ in range(_RUNS)]
        twice = found.twice()
    name = f"{peer.name}, {latency_s * 1000:.0f} ms"
    yield Measure(name, statistics.median(rates), "messages/s")
    if twice:
        yield Measure(f"{name}: messages that went out twice", twice, "messages")


def _enqueueing(server: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    """A producer alone, and what its messages hold of the store's memory while they wait."""
    services = producer(server.url, "singles:")
    alone, redis = Scene(services, {}), services.store.redis
    for name, many, threads, whole, wanted in _PRODUCERS:
        number = 20 if quick else whole
        rate_of_enqueueing(services, alone.jobs(10), many=many)
        before = redis.info("memory")["used_memory"]
        rates = [rate_of_enqueueing(services, alone.jobs(number), many=many, threads=threads) for _ in range(_RUNS)]
        grown = (redis.info("memory")["used_memory"] - before) / number / _RUNS
        yield Measure(f"{name}, single messages", statistics.median(rates), "messages/s", limit=wanted, at_most=False)
        yield Measure(f"Redis, a single message that waits, by {name}", grown, "bytes")
    redis.flushall()


def _end_to_end(
    server: EmbeddedServer, layout: Layout, folder: Path, reached: Mapping[float, Mapping[str, float]], *, quick: bool
) -> Iterator[Measure]:
    with sink() as url, scene(layout, server.url, url, folder) as found:
        # First, since the server's tables of keys double at some numbers of messages, which would count for these.
        yield _settled(found, 20 if quick else 1000)
        for latency_s, number in _SCENES[:1] if quick else _SCENES:
            set_latency(url, latency_s)
            rates = [
                _rate(found, layout, latency_s, 20 if quick else number, name, many=many, threads=threads)
                for name, many, threads, *_ in _PRODUCERS
            ]
            yield from rates
            yield from _compared(rates[0], layout, latency_s, reached[latency_s])
    found.services.store.redis.flushall()


def _rate(found: Scene, layout: Layout, latency_s: float, number: int, by: str, *, many: bool, threads: int) -> Measure:
    rates = [number / found.end_to_end_s(number, many=many, threads=threads) for _ in range(_RUNS)]
    name = f"{layout.name}, {latency_s * 1000:.0f} ms, {by} to the last answer"
    wanted = _WANTED.get((layout.name, latency_s)) if many or threads > 1 else None
    return Measure(name, statistics.median(rates), "messages/s", limit=wanted, at_most=False)


def _compared(rate: Measure, layout: Layout, latency_s: float, peers: Mapping[str, float]) -> Iterator[Measure]:
    """Against the fastest peer; the Procfile as shipped must not be slower than Celery where the gateway takes 50 ms."""
    compared = {name: peer for name, peer in peers.items() if layout.name != _SHIPPED or name.startswith("celery")}
    name = max(compared, key=lambda one: compared[one])
    wanted = 1.0 if (layout.name, latency_s) == (_SHIPPED, 0.05) else None
    title = f"{layout.name}, {latency_s * 1000:.0f} ms, beside {name}"
    yield Measure(title, rate.value, rate.unit, compared[name], name, wanted, at_most=False)


def _settled(found: Scene, number: int = 1000) -> Measure:
    """Messages that are neither followed nor answered settle some seconds after they were accepted."""
    redis = found.services.store.redis
    until(lambda: found.settled() == found.recorded(), 120, 0.2)
    before = redis.info("memory")["used_memory"]
    found.end_to_end_s(number, many=True)
    until(lambda: found.settled() == found.recorded(), 120, 0.2)
    grown = redis.info("memory")["used_memory"] - before
    return Measure("Redis, a settled single message, events included", grown / number, "bytes", limit=2500)
