"""Following: what an answer costs, unchanged, a little changed and all new; and what is stored of it.

The answers are those of a thousand phones that go from NEW to SENT, DELIVERED and READ, in steps of a hundred or
all at once, at times of their own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import orjson

from campaigns.accounts.limiter import Limiter, Permit, ReadPermits
from campaigns.answers.rows import HOME
from campaigns.answers.schemas import SCHEMAS
from campaigns.enqueue import enqueue
from campaigns.flow.scheduling.work import work
from campaigns.gateway.noting import Notes
from campaigns.ledger import POLL_VERB, Batch, Claim, Entry
from campaigns.names import POLL
from campaigns.results import compare
from campaigns.services import Services
from campaigns.settings import Rate, Secret, Settings
from campaigns.store.calls import Call
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from campaigns.times.gateway_times import gateway_reader
from campaigns.wiring import build_services
from tests.benchmarks.answerer import Answerer
from tests.benchmarks.measure import RUNS, Measure
from tests.benchmarks.planning import job, phones
from tests.support.claims import claim as claim_of
from tests.support.reads import poll_batch

_ROWS = 1000
_WORDS = ("NEW", "SENT", "DELIVERED", "READ")
_PHONES = phones(_ROWS)


def answer(steps: float) -> bytes:
    """What statusBulkViber says after so many steps of all phones: 1.3 is SENT, and DELIVERED for three of ten."""
    step, further = int(steps), round((steps - int(steps)) * _ROWS)
    rows = [
        {
            "delivery_id": 700_000 + n,
            "phone": phone,
            "status": _WORDS[step + (n < further)],
            "status_time": f"2026-10-30 22:{10 * (step + (n < further)) + n // 100:02d}:{n % 60:02d}.{n * 997:06d}",
        }
        for n, phone in enumerate(_PHONES)
    ]
    return orjson.dumps([{"message_id": 77, "name": "m", "alphaname_id": 444, "success": rows}])


def _nothing(*_: object) -> Permit:
    raise AssertionError("no permit is asked for")


class _NoPermits(ReadPermits):
    """Measures a poll by itself: it asks for no permit besides the one that comes with what a turn takes."""

    def __init__(self, store: Store, release_call: Callable[..., Call[Any]], first: Permit | None) -> None:
        super().__init__(store, _nothing, release_call, first)

    def __call__(self, method: str) -> AbstractContextManager[Notes]:
        return nullcontext(Notes())


class Followed:
    """Accepted batches of a thousand, one after the other, at a gateway that answers with given bodies."""

    def __init__(self, url: str, answerer: Answerer, *, limited: bool = True) -> None:
        settings = Settings(
            redis_url=url,
            gateway_url=answerer.url,
            key_prefix="following:",
            accounts={"default": Secret("t" * 8)},
            rate_limit=Rate(0, 1.0),
        )
        self.services: Services = build_services(settings, ring=lambda *_: True)
        self._limiter = self.services.limiter
        if not limited:
            store, release_call = self.services.store, self.services.limiter.release_call
            free = SimpleNamespace(
                read_permits=lambda _account, _patience_s=0.0, first=None: _NoPermits(store, release_call, first)
            )
            self.services = replace(self.services, limiter=cast("Limiter", free))
        self.batch: Batch

    def fresh(self, said: bytes | None = None) -> str:
        """Another batch, without a status or with those that the gateway gave last. Returns its id."""
        campaign = enqueue(self.services, job(_PHONES))
        batch_id = f"{campaign.id}-0"
        claim = claim_of(self.services, batch_id)
        assert isinstance(claim, Claim)
        self._limiter.release(Permit("default", claim.fence), used=False)
        key = self.services.store.keys.batch(batch_id)
        fields = {"state": "accepted", "uuid": "u", "followed_ms": claim.now_ms, "cost:0": "1"}
        self.services.store.ask(Redis.hset, key, None, None, fields)
        self.batch = self.services.batches.read(batch_id)
        if said is not None:
            self.take_in(said)
        return batch_id

    def poll(self) -> None:
        poll_batch(self.services, self.batch.id)

    def look_at(self, batch_ids: list[str]) -> float:
        """Poll all in turns of a worker. Returns the seconds it took."""
        due, batch = self.services.due, self.services.batches.read(batch_ids[0])
        self.services.store.redis.delete(self.services.store.keys.due(POLL, batch.account))
        due.put_missing([(Entry(POLL_VERB, batch_id), batch, n) for n, batch_id in enumerate(batch_ids)])
        started, polled = time.perf_counter(), 0
        while polled < len(batch_ids):
            polled += work(self.services, POLL)
        return time.perf_counter() - started

    def take_in(self, body: bytes) -> int:
        """Parse an answer and write what changed, as a poll does, without HTTP. Returns how many changed."""
        (mailing,) = SCHEMAS["statusBulkViber"](orjson.loads(body), HOME).mailings
        version, stored = self.services.deliveries.read_versioned(self.batch.id, 0)
        found = compare(
            stored,
            mailing.rows,
            phones=lambda: frozenset(_PHONES),
            final=self.services.settings.final_statuses,
            now_ms=1,
            at_ms=gateway_reader(self.services.settings.gateway_timezone),
        )
        assert self.services.deliveries.write(self.batch, 0, found.changes, version, seen_ms=0) is not None
        return len(found.changes)


def measure_intake(server: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    with Answerer() as answerer:
        followed = Followed(server.url, answerer)
        yield from _rows(followed, batches=1 if quick else 10)
        yield from _stored(followed, answerer)
        rounds = 2 if quick else 60
        yield from _polls(Followed(server.url, answerer, limited=False), answerer, rounds, "an unchanged poll", 0.25)
        yield from _polls(followed, answerer, rounds, "an unchanged poll, permit of the limiter included")


def _rows(followed: Followed, batches: int) -> Iterator[Measure]:
    """Whole lives of batches: thirty answers apiece of which each changes a tenth, or three that change all."""
    new, tenths, wholes = answer(0), [answer(n / 10) for n in range(1, 31)], [answer(n) for n in (1, 2, 3)]

    def floor_s() -> float:
        started = time.perf_counter()
        for n in range(10):
            rows = orjson.loads(new)[0]["success"]
            followed.services.store.redis.hset(f"floor:{n % 4}", mapping={row["phone"]: row["status"] for row in rows})
        return (time.perf_counter() - started) / 10

    def life_s(bodies: list[bytes]) -> float:
        followed.fresh(new)
        started = time.perf_counter()
        for body in bodies:
            assert followed.take_in(body) == 3 * _ROWS / len(bodies)
        return (time.perf_counter() - started) / len(bodies)

    runs = []
    for _ in range(RUNS):
        # A batch at a time, so that a noisy moment meets all three.
        times = [(life_s(tenths), life_s(wholes), floor_s()) for _ in range(batches)]
        runs.append([sum(part) / batches / _ROWS * 1e6 for part in zip(*times, strict=True)])
    some_us, all_us, base_us = (statistics.median(part) for part in zip(*runs, strict=True))
    name = "orjson.loads and one HSET"
    yield Measure("intake, a row, 10 % changed, parse included", some_us, "us", base_us, name, 1)
    yield Measure("intake, a row, all changed, parse included", all_us, "us", base_us, name, 2)


def _stored(followed: Followed, answerer: Answerer) -> Iterator[Measure]:
    keys, redis = followed.services.store.keys, followed.services.store.redis
    followed.fresh()
    redis.delete(keys.events())
    # Three of five have read it in the end. A row that grows over 80 bytes takes 96: DELIVERED does, READ does not.
    steps = (0, 1, 2, 2.6)
    answerer.answer([answer(step) for step in steps])
    for _ in steps:
        followed.poll()
    used = redis.memory_usage(keys.deliveries(followed.batch.id, 0), 0)
    yield Measure("Redis, a stored delivery", used / _ROWS, "bytes", limit=95)
    used = redis.memory_usage(keys.events(), 0)
    yield Measure("Redis, a change in the stream", used / (3.6 * _ROWS), "bytes", limit=60)


def _polls(
    followed: Followed, answerer: Answerer, rounds: int, name: str, limit: float | None = None
) -> Iterator[Measure]:
    """Slices, as workers poll: every batch hears of another hundredth of its phones, then the same once more."""
    batch_ids = [followed.fresh(answer(1)) for _ in range(rounds)]
    # So that nothing is due yet, or a batch for the first time.
    followed.look_at(batch_ids)
    polled: list[list[float]] = [[], []]
    for run in range(1, RUNS + 1):
        answerer.answer([answer(1 + run / 100)])
        for times in reversed(polled):
            times.append(followed.look_at(batch_ids))
    same_s, little_s = (statistics.median(times) / rounds for times in polled)
    yield Measure(name, same_s * 1e3, "ms", little_s * 1e3, "a poll with 1 % changed", limit)
