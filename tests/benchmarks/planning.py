"""Planning: what a recipient costs from the job to the store, in time and in memory."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import orjson
from marshmallow import Schema, fields, validate

from campaigns.enqueue import enqueue
from campaigns.jobs.caps import Cap, Limit
from campaigns.ledger import Portion
from campaigns.portions import portions
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.times.days import day_of
from campaigns.wiring import build_services
from tests.benchmarks.measure import Measure, alternating_s, median_s, resident_bytes
from tests.support.processes import ROOT

_PER_BATCH = 1000
#: How memory is measured a second time.
_GUARDED = ", with cap and suppression"


def phones(number: int) -> list[str]:
    """As many phones of Belarus, in no order."""
    return [f"37529{(n * 7_368_787) % 10_000_000:07d}" for n in range(number)]


def spelled(number: int) -> list[list[str]]:
    """The phones of `phones` in each of the usual spellings."""
    parts = [(phone[3:5], phone[5:8], phone[8:10], phone[10:]) for phone in phones(number)]
    spellings = ("8 0{} {}-{}-{}", "+375 ({}) {}-{}-{}", "80{}{}{}{}", "+375{}{}{}{}")
    return [[spelling.format(*part) for part in parts] for spelling in spellings]


def job(rows: Any) -> dict[str, Any]:
    content = {"type": "text", "text": "Everything must go"}
    return {
        "messages": [
            {"alphaname_id": "444", "message_type": "bulk", "content": content, "delivery_list": rows, "name": "m"}
        ]
    }


def services_at(url: str, prefix: str) -> Services:
    return build_services(Settings(redis_url=url, key_prefix=prefix), ring=lambda *_: True)


class _Row(Schema):
    phone = fields.String(required=True, validate=validate.Regexp(r"^375\d{9}$"))


class _Nested(Schema):
    delivery_list = fields.List(fields.Nested(_Row), required=True)


def measure_planning(server: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    number = 5_000 if quick else 200_000
    rows, store = phones(number), services_at(server.url, "planning:")

    def plan() -> None:
        enqueue(store, job(rows))

    def floor() -> None:
        """Only what has to be done: write down, compress, store."""
        iterator = iter(rows)
        with store.store.redis.pipeline(transaction=False) as pipeline:
            for n in range(0, number, _PER_BATCH):
                pipeline.set(f"floor:{n}", zlib.compress(orjson.dumps(list(islice(iterator, _PER_BATCH)))))
            pipeline.execute()

    ours_s, floor_s = alternating_s([plan, floor])
    yield Measure("planning, a recipient", ours_s / number * 1e6, "us", floor_s / number * 1e6, "orjson, zlib, SET", 3)
    yield _spelling(store, number)
    few = [{"phone": phone} for phone in rows[: number // 10]]
    nested_s = median_s(lambda: _Nested().load({"delivery_list": few}))
    nested_us = nested_s / len(few) * 1e6
    yield Measure("a nested schema alone, a recipient", nested_us, "us", ours_s / number * 1e6, "planning", 5, False)
    yield from _bytes_queued(store, rows)
    yield from _guarded(server, number)
    store.store.redis.flushall()


def _spelling(services: Services, number: int) -> Measure:
    """The slowest of the usual spellings."""
    rows = [phones(number), *spelled(number)]
    acts = [partial(enqueue, services, job(some)) for some in rows]
    own_s, *others_s = alternating_s(acts)
    slowest_us = max(others_s) / number * 1e6
    own_us = own_s / number * 1e6
    return Measure("planning a usual spelling, a recipient", slowest_us, "us", own_us, "the gateway's own", 1.2)


def _guarded(server: EmbeddedServer, number: int) -> Iterator[Measure]:
    """With a template, a frequency cap of which most phones have had a part, and one phone of twenty suppressed."""
    plain = services_at(server.url, "templates:")
    guarded = _with_guards(plain, number)
    rows = [{"phone": phone, "values": {"name": f"Person {n}"}} for n, phone in enumerate(phones(number))]
    content = {"type": "text", "text": "{name}, everything must go"}
    mailing = {"alphaname_id": "444", "message_type": "personal", "content": content, "delivery_list": rows}
    templates = {"messages": [{**mailing, "name": "m"}]}
    acts = [partial(enqueue, services, templates) for services in (guarded, plain)]
    guarded_s, plain_s = alternating_s(acts)
    guarded_us, plain_us = guarded_s / number * 1e6, plain_s / number * 1e6
    yield Measure("planning with cap and suppression, a recipient", guarded_us, "us", plain_us, "template alone", 2)


def _with_guards(plain: Services, number: int) -> Services:
    settings = replace(plain.settings, cap_messages=3, suppress_after=3)
    guarded = build_services(settings, store=plain.store, ring=lambda *_: True)
    _count(guarded, number)
    return guarded


def _count(services: Services, number: int) -> None:
    """Let two messages count of two phones of three, on two days, and suppress some phones."""
    today = day_of(services.now_ms(), services.settings.gateway_timezone).number
    cap, keys = Cap("", (Limit(100, 7),)), services.store.keys
    for day in (today - 1, today):
        for n, some in enumerate(portions(phones(number * 2 // 3), 1000)):
            services.store.redis.hset(keys.batch(f"{day}-{n}"), "state", "planned")
            services.counts.begin(f"{day}-{n}", "op", ["planned"])
            services.counts.count(f"{day}-{n}", "op", Portion(0, 0, some), day, cap, limited=True)
    services.store.redis.hset(keys.suppressed(), mapping=dict.fromkeys(phones(number)[::20], "1|3"))


def _bytes_queued(services: Services, rows: list[str]) -> Iterator[Measure]:
    campaign = enqueue(services, job(rows))
    keys, redis = services.store.keys, services.store.redis
    record = services.campaigns.read(campaign.id)
    names = [name for batch_id in record.batch_ids() for name in (keys.batch(batch_id), keys.body(batch_id))]
    lookalikes = {m.fingerprint for b in services.batches.read_many(record.batch_ids()) for m in b.mailings}
    names += [keys.lookalikes(fingerprint) for fingerprint in lookalikes]
    used = sum(redis.memory_usage(name, 0) for name in names)
    yield Measure("Redis, a recipient that waits", used / len(rows), "bytes", limit=15)


def measure_memory(server: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    for how, whole in (("", 1_100_000), (_GUARDED, 880_000)):
        number = 20_000 if quick else whole
        command = [sys.executable, "-m", "tests.benchmarks.planning", server.url, str(number), how]
        ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        yield Measure(f"the producer's memory, a recipient more{how}", float(ended.stdout), "bytes", limit=16)


def _grown(url: str, number: int, how: str) -> float:
    """How many bytes this process grows by per recipient, beyond the first tenth."""
    marks: list[int] = []
    services = services_at(url, f"memory{how}:")
    if how == _GUARDED:
        services = _with_guards(services, number)

    def rows() -> Iterator[str]:
        for n in range(number):
            if n == number // 11:
                marks.append(resident_bytes())
            yield f"37529{(n * 7_368_787) % 10_000_000:07d}"
        marks.append(resident_bytes())

    enqueue(services, job(rows()))
    return (marks[1] - marks[0]) / (number - number // 11)


if __name__ == "__main__":
    print(_grown(sys.argv[1], int(sys.argv[2]), sys.argv[3]))  # noqa: T201 (its parent reads this)
