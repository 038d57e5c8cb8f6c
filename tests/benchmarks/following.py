"""Following: what an answer costs, unchanged, a little changed and all new; and what is stored of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson

from campaigns.embedded import EmbeddedServer
from campaigns.flow.poll import poll_batch
from campaigns.flow.services import Services
from campaigns.gateway import Gateway, Transport
from campaigns.handle import Campaign
from campaigns.ledger import Claim
from campaigns.producer import enqueue
from campaigns.results import compare
from campaigns.schemas.answers import SCHEMAS
from campaigns.settings import Secret, Settings
from campaigns.times import from_gateway
from campaigns.wiring import build_services
from tests.benchmarks.answerer import Answerer
from tests.benchmarks.measure import RUNS, Measure, alternating_s
from tests.benchmarks.planning import job, phones

_ROWS = 1000
_WORDS = ("NEW", "SENT", "DELIVERED")


def answer(statuses: list[str], salt: int = 0) -> bytes:
    """What statusBulkViber says of a thousand phones."""
    rows = [
        {"delivery_id": n + 1, "phone": phone, "status": status, "status_time": f"2026-10-30 22:56:00.{salt:06d}"}
        for n, (phone, status) in enumerate(zip(phones(_ROWS), statuses, strict=True))
    ]
    return orjson.dumps([{"message_id": 77, "name": "m", "alphaname_id": 444, "success": rows}])


class Followed:
    """An accepted batch of a thousand, at a gateway that answers what it is told to."""

    def __init__(self, url: str, answerer: Answerer) -> None:
        settings = Settings(redis_url=url, key_prefix="following:", accounts={"default": Secret("t" * 8)})
        services = build_services(settings, wake=lambda *_: True)
        transport = Transport(answerer.url, connect_timeout_s=2, deadline_s=5)
        gateway = Gateway(transport, settings.token("default"), read_attempts=1)
        self.services: Services = replace(services, gateway=lambda _: gateway)
        self.answerer = answerer
        self.campaign: Campaign
        self.batch_id = ""
        self.fresh()

    def fresh(self) -> None:
        """Another batch, of which nothing was heard."""
        self.campaign = enqueue(job(phones(_ROWS)), services=self.services)
        self.batch_id = f"{self.campaign.id}-0"
        claim = self.services.batches.claim(self.batch_id, "bulk")
        assert isinstance(claim, Claim)
        from_now = {"uuid": "u", "followed_ms": claim.now_ms}
        keys = self.services.store.keys
        self.services.store.ask("hset", keys.batch(self.batch_id), None, None, {"state": "accepted", **from_now})
        self.services.store.ask("hset", keys.batch(self.batch_id), "cost:0", "1")

    def poll(self, body: bytes) -> None:
        self.answerer.body = body
        poll_batch(self.services, self.batch_id)


def measure_intake(server: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    rounds = 2 if quick else 40
    with Answerer() as answerer:
        followed = Followed(server.url, answerer)
        redis = followed.services.store.redis
        new = answer(["NEW"] * _ROWS)

        def floor() -> None:
            for n in range(rounds):
                rows = orjson.loads(new)[0]["success"]
                redis.hset(f"floor:{n % 4}", mapping={row["phone"]: row["status"] for row in rows})

        def changed(share: float) -> Callable[[], None]:
            made = [_all_changing(share, rounds, turn) for turn in range(RUNS)]

            def act() -> None:
                for body in made.pop():
                    _intake(followed, body)

            return act

        floor_s, some_s, all_s = alternating_s([floor, changed(0.1), changed(1.0)])
        per_row = 1e6 / (rounds * _ROWS)
        base = ("orjson.loads and one HSET", floor_s * per_row)
        yield Measure("intake, a row, 10 % changed, parse included", some_s * per_row, "us", base[1], base[0], 1)
        yield Measure("intake, a row, all changed, parse included", all_s * per_row, "us", base[1], base[0], 2)
        yield from _stored(followed)
        yield from _polls(followed, rounds)


def _intake(followed: Followed, body: bytes) -> None:
    """Parse an answer and write what changed, as a poll does, without HTTP."""
    batch = followed.services.batches.read(followed.batch_id)
    (mailing,) = SCHEMAS["statusBulkViber"](orjson.loads(body)).mailings
    found = compare(
        followed.services.deliveries.stored(batch.id, 0),
        mailing.rows,
        phones=lambda: frozenset(phones(_ROWS)),
        final=followed.services.settings.final_statuses,
        now_ms=1,
        at_ms=lambda text: from_gateway(text, followed.services.settings.gateway_timezone),
    )
    assert followed.services.deliveries.write(batch, 0, found.changes, batch.fields["v"]) is not None


def _all_changing(share: float, rounds: int, turn: int) -> list[bytes]:
    """Answers of which each has so many rows that differ from the one before."""
    changed = round(_ROWS * share)
    return [answer([f"W{turn}-{n}" if m < changed else "NEW" for m in range(_ROWS)]) for n in range(rounds)]


def _stored(followed: Followed) -> Iterator[Measure]:
    services = followed.services
    followed.fresh()
    keys, redis = services.store.keys, services.store.redis
    redis.delete(keys.events())
    changes = 0
    for n, word in enumerate(_WORDS):
        followed.poll(answer([word] * _ROWS, n))
        changes += _ROWS
    used = redis.memory_usage(keys.deliveries(followed.batch_id, 0), 0)
    yield Measure("Redis, a stored delivery", used / _ROWS, "bytes", limit=95)
    used = redis.memory_usage(keys.events(), 0)
    yield Measure("Redis, a change in the stream", used / changes, "bytes", limit=60)


def _polls(followed: Followed, rounds: int) -> Iterator[Measure]:
    followed.fresh()
    followed.poll(answer(["SENT"] * _ROWS))
    same = answer(["SENT"] * _ROWS)
    turn = [0]

    def unchanged() -> None:
        for _ in range(rounds):
            followed.poll(same)

    def little() -> None:
        for _ in range(rounds):
            turn[0] += 1
            word = "DELIVERED" if turn[0] % 2 else f"WORD{turn[0]}"
            followed.poll(answer([word if n % 100 == turn[0] % 100 else "SENT" for n in range(_ROWS)], turn[0]))
        followed.poll(same)

    # What it costs to make the answer is not part of the poll.
    def making() -> None:
        for n in range(rounds):
            answer([f"W{n}" if m % 100 == n else "SENT" for m in range(_ROWS)], n)

    unchanged_s, little_s, making_s = alternating_s([unchanged, little, making])
    base = (little_s - making_s) / rounds * 1e3
    yield Measure("an unchanged poll", unchanged_s / rounds * 1e3, "ms", base, "a poll with 1 % changed", 0.25)
