"""What it costs that a write waits for a replica: the same server with its replica, waited for and not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from redis import Redis

from campaigns.enqueue import enqueue
from campaigns.flow.scheduling.work import work
from campaigns.names import BULK
from campaigns.results.replies import Reply
from campaigns.services import Services
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.benchmarks.measure import Measure, alternating_s
from tests.benchmarks.planning import job, phones
from tests.benchmarks.sending import services_for
from tests.benchmarks.sink import sink
from tests.support.failover import info, port_of
from tests.support.jobs import quick_job
from tests.support.waiting import wait_until

#: With a replica on the same machine each wait costs a round trip and a sync of a second file.
_LIMIT = 3.0


@contextmanager
def primary_with_replica() -> Iterator[EmbeddedServer]:
    """A primary on loopback whose replica is linked."""
    config = {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0"}
    with EmbeddedServer(config=config) as primary, EmbeddedServer(config=config) as replica:
        with Redis.from_url(replica.url) as admin:
            admin.execute_command("REPLICAOF", "127.0.0.1", port_of(primary))
        wait_until(lambda: info(replica)["master_link_status"] == "up")
        yield primary


def measure_replicas(_: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    with primary_with_replica() as primary, sink() as url:
        without = services_for(primary.url, url, "replicas:")
        waiting = build_services(replace(without.settings, replicas=1), ring=lambda *_: True)
        both = [without, waiting]
        number = 20 if quick else 500
        yield _compared("enqueue, a single message", both, number, lambda services: enqueued(services, number))
        batches = 2 if quick else 60
        yield _compared("sending, a batch of a thousand", both, batches, lambda services: sent(services, batches))
        yield _compared("intake, a reply", both, number, lambda services: taken_in(services, number))


def _compared(
    name: str, services: list[Services], number: int, act: Callable[[Services], Callable[[], object]]
) -> Measure:
    without_s, waiting_s = alternating_s([act(one) for one in services])
    measured = (f"{name}, one replica waited for", waiting_s / number * 1e3, "ms", without_s / number * 1e3)
    return Measure(*measured, "not waited for", _LIMIT)


def enqueued(services: Services, number: int) -> Callable[[], object]:
    def act() -> None:
        for row in phones(number):
            enqueue(services, quick_job(row))

    return act


def sent(services: Services, batches: int) -> Callable[[], object]:
    rows = phones(batches * 1000)

    def act() -> None:
        campaign = enqueue(services, job(rows))
        while services.campaigns.read(campaign.id).number("r:planned"):
            work(services, BULK)

    return act


def taken_in(services: Services, number: int) -> Callable[[], object]:
    """Replies that come one at a time, as most do."""
    campaign = enqueue(services, job(phones(1)))
    batch = services.batches.read(f"{campaign.id}-0")
    ids = itertools.count()

    def act() -> None:
        for _ in range(number):
            services.replies.add(batch, [Reply(f"r{next(ids)}", "375291000000", "thanks", 1, batch.id, "m")])

    return act
