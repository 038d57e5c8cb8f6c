"""Heartbeats in the store: which queues are consumed, when beat ticked last, and how many beats there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from campaigns.names import QUEUES
from campaigns.store.client import Store, decoded
from campaigns.store.commands import Command, Redis, command

#: How often a worker reports which queues it consumes, and how long a report counts.
EVERY_S: Final = 5.0
_CONSUMED_S: Final = 20
_TICKED_S: Final = 300
#: A beat that has not ticked for this time has been stopped.
_STOPPED_MS: Final = 15_000
#: Ticks may be carried out in another order than they were sent.
_SLACK_MS: Final = 3_000


def consuming(
    store: Store, queues: Sequence[str], *, worker: str = "-", slots: int = 1, tokens: Iterable[str] = ()
) -> None:
    """Report that `worker` consumes `queues` and can answer `slots` bells at once. Raises StoreError.

    `tokens`: the accounts whose token it has, where workers divide the tokens; each queue needs a worker with each.
    """
    now_ms, keys = store.now_ms(), store.keys
    member = f"{worker.replace(' ', '_')}|{slots}|{','.join(sorted(queues))},"
    commands = [command(Redis.set, keys.heartbeat(f"queue-{queue}"), now_ms, _CONSUMED_S) for queue in queues]
    commands += _seen(keys.workers(), [member], now_ms, _CONSUMED_S)
    if reports := [_token_report(account, queue) for account in tokens for queue in queues]:
        commands += _seen(keys.with_token(), reports, now_ms, _TICKED_S)
    store.ask_many(commands)


def _token_report(account: str, queue: str) -> str:
    return f"{account}|{queue}"


def _seen(key: str, members: Sequence[str], now_ms: int, life_s: int) -> list[Command]:
    """The commands that enter members into a sorted set at this time, and drop those that are older than `life_s`."""
    return [
        command(Redis.zremrangebyscore, key, "-inf", now_ms - life_s * 1000),
        command(Redis.zadd, key, dict.fromkeys(members, now_ms)),
        command(Redis.expire, key, _TICKED_S),
    ]


def ticked(store: Store, beat: str = "") -> None:
    """Record a tick, and which beat made it. Raises StoreError."""
    keys = [store.keys.heartbeat("dispatch"), store.keys.beats()]
    store.run("record_tick", keys, [beat, _STOPPED_MS, _TICKED_S])


def consumed(store: Store) -> set[str]:
    """The queues that some worker consumes. Raises StoreError."""
    marks = store.ask(Redis.mget, [store.keys.heartbeat(f"queue-{queue}") for queue in QUEUES])
    return {queue for queue, mark in zip(QUEUES, marks, strict=True) if mark is not None}


def lacking_token(store: Store, accounts: Iterable[str], queues: Sequence[str]) -> dict[str, list[str]]:
    """By account, those of `queues` where no worker that reports has its token. Raises StoreError.

    Only workers that divide the tokens report which they have.
    """
    since_ms = store.now_ms() - _CONSUMED_S * 1000
    reports = {raw.decode() for raw in store.ask(Redis.zrangebyscore, store.keys.with_token(), since_ms, "+inf")}
    lacking = {account: [q for q in queues if _token_report(account, q) not in reports] for account in accounts}
    return {account: without for account, without in lacking.items() if without}


def last_tick_ms(store: Store) -> int | None:
    """When the last tick was (unix ms); None if it is more than five minutes ago. Raises StoreError."""
    last = store.ask(Redis.get, store.keys.heartbeat("dispatch"))
    return int(last) if last else None


def ticking_since_ms(store: Store) -> int | None:
    """Since when some beat has ticked without a pause (unix ms), None if none does now. Raises StoreError."""
    stopped_ms = store.now_ms() - _STOPPED_MS
    spans = decoded(store.ask(Redis.hgetall, store.keys.beats())).values()
    since = [int(first) for first, _, last in (span.partition("|") for span in spans) if int(last) >= stopped_ms]
    return min(since, default=None)


def ticking(store: Store) -> int:
    """How many beats have ticked in the last 15 seconds, side by side or one after another. Raises StoreError."""
    stopped_ms = store.now_ms() - _STOPPED_MS
    spans = decoded(store.ask(Redis.hgetall, store.keys.beats())).values()
    return sum(int(span.partition("|")[2]) >= stopped_ms for span in spans)


def beats_at_once(store: Store) -> list[str]:
    """The beats that tick side by side; none if there is one, or one that took over from another. Raises StoreError."""
    now_ms, spans = store.now_ms(), {}
    for beat, span in decoded(store.ask(Redis.hgetall, store.keys.beats())).items():
        first_ms, last_ms = (int(part) for part in span.split("|"))
        if last_ms >= now_ms - _STOPPED_MS:
            spans[beat] = (first_ms, last_ms)
    return sorted(
        beat
        for beat, (first_ms, last_ms) in spans.items()
        if any(
            other != beat and min(last_ms, its_last_ms) - max(first_ms, its_first_ms) > _SLACK_MS
            for other, (its_first_ms, its_last_ms) in spans.items()
        )
    )
