"""Samples of what stands in the store now. What is read does not grow with campaigns, batches or messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from campaigns.accounts.budgets import Budgets
from campaigns.accounts.pauses import BUDGET, CAUSES, OTHER
from campaigns.accounts.pauses import FAILURES as FAILED
from campaigns.health.heartbeats import consumed, last_tick_ms, ticking
from campaigns.ledger import Due
from campaigns.ledger.states import PLANNED
from campaigns.metrics.described import (
    BATCHES,
    BEATS,
    BELLS,
    BUDGETS,
    BUDGETS_USED,
    CONSUMED,
    DUE,
    FAILURES,
    GATEWAY_AHEAD,
    IN_FLIGHT,
    LIMIT,
    LISTED,
    OLDEST,
    OLDEST_DUE,
    PAUSED,
    PAUSED_UNTIL,
    TICK,
    WANTED,
    Sample,
)
from campaigns.metrics.wanted import processes_wanted
from campaigns.names import DUE_QUEUES, QUEUES
from campaigns.settings import Settings
from campaigns.store.client import Store, decoded
from campaigns.store.commands import Redis, command

#: Most accounts that are exported: each makes some hundred series.
MOST_ACCOUNTS: Final = 1000
#: How long a bell counts that no worker answers: see `lua/include/turns.lua`.
_BELL_MS: Final = 10_000
#: An account that is at its limit for less than this is at work, and keeps its workers.
_SOON_MS: Final = 5_000
#: How long the difference between the gateway's clock and the store's is shown: either may have been set since.
CLOCK_SEEN_MS: Final = 900_000


def accounts_with_numbers(store: Store) -> list[str]:
    """The accounts of which something was ever counted, and '' if anything was that belongs to none."""
    return sorted(raw.decode() for raw in store.members(store.keys.metrics()))[:MOST_ACCOUNTS]


def numbers_of(store: Store, accounts: Sequence[str]) -> dict[str, dict[str, int]]:
    """Account → its numbers, of one moment each."""
    hashes = store.ask_many([command(Redis.hgetall, store.keys.metrics(account)) for account in accounts])
    return {
        account: {field.decode(): int(number) for field, number in found.items()}
        for account, found in zip(accounts, hashes, strict=True)
    }


def of_queues(store: Store, settings: Settings, now_ms: int) -> Iterator[Sample]:
    """Queues, bells and beats."""
    due, taken = Due(store), consumed(store)
    bells = store.ask_many(
        [command(Redis.zcount, store.keys.bells(queue), now_ms - _BELL_MS, "+inf") for queue in DUE_QUEUES]
    )
    for queue, rung in zip(DUE_QUEUES, bells, strict=True):
        number, since_ms = due.depth(queue, now_ms)
        yield Sample(DUE, (queue,), number)
        yield Sample(OLDEST_DUE, (queue,), _age_s(since_ms, now_ms))
        waiting = due.waiting(queue, now_ms, now_ms + _SOON_MS)
        yield Sample(WANTED, (queue,), processes_wanted(queue, waiting, settings))
        yield Sample(BELLS, (queue,), rung)
    yield from (Sample(CONSUMED, (queue,), queue in taken) for queue in QUEUES)
    yield Sample(BEATS, (), ticking(store))
    yield Sample(TICK, (), (last_tick_ms(store) or 0) / 1000)


def of_accounts(store: Store, settings: Settings, accounts: Sequence[str], now_ms: int) -> Iterator[Sample]:
    """The limiter, pauses, and what has waited longest, of each account."""
    keys = store.keys
    yield Sample(LIMIT, (), settings.concurrency)
    hashes = store.ask_many([command(Redis.hgetall, keys.account(account)) for account in accounts])
    busy = store.ask_many([command(Redis.zcount, f"{keys.permits(a)}:busy", now_ms * 1000, "+inf") for a in accounts])
    for account, fields, held in zip(accounts, hashes, busy, strict=True):
        yield Sample(IN_FLIGHT, (account,), held)
        yield from _pauses(account, decoded(fields), now_ms)
        yield from _gateway_clock(account, decoded(fields), now_ms)
    for account, spent in Budgets(settings, store.about_now_ms).spent(store, accounts, now_ms).items():
        yield Sample(BUDGETS, (account,), float(spent.budget))
        yield Sample(BUDGETS_USED, (account,), float(spent.used))
    yield from _waiting(store, [(account, state) for account in accounts for state in (PLANNED, *LISTED)], now_ms)


def _waiting(store: Store, of: Sequence[tuple[str, str]], now_ms: int) -> Iterator[Sample]:
    """What waits, by account and state."""
    names = [store.keys.waiting(account, state) for account, state in of]
    numbers = store.ask_many([command(Redis.zcard, name) for name in names])
    firsts = store.ask_many([command(Redis.zrange, name, 0, 0, False, True) for name in names])
    for (account, state), number, first in zip(of, numbers, firsts, strict=True):
        if state in LISTED:
            yield Sample(BATCHES, (account, state), number)
        yield Sample(OLDEST, (account, state), _age_s(first[0][1] if first else None, now_ms))


def _pauses(account: str, fields: Mapping[str, str], now_ms: int) -> Iterator[Sample]:
    ends = {fields.get(f"{what}_cause", OTHER): int(fields.get(f"{what}_until_ms", 0)) for what in ("all", "paid")}
    ends[BUDGET] = int(fields.get("budget_until_ms", 0))
    causes = {cause for cause, until_ms in ends.items() if until_ms > now_ms}
    if "open_until_ms" in fields:
        causes.add(FAILED)
        ends[FAILED] = max(now_ms, int(fields["open_until_ms"]))
    yield from (Sample(PAUSED, (account, cause), cause in causes) for cause in CAUSES)
    yield Sample(PAUSED_UNTIL, (account,), max((ends[cause] for cause in causes), default=0) / 1000)
    yield Sample(FAILURES, (account,), int(fields.get("failures", 0)))


def _gateway_clock(account: str, fields: Mapping[str, str], now_ms: int) -> Iterator[Sample]:
    if "gateway_ahead_ms" in fields and int(fields["gateway_seen_ms"]) >= now_ms - CLOCK_SEEN_MS:
        yield Sample(GATEWAY_AHEAD, (account,), int(fields["gateway_ahead_ms"]) / 1000)


def _age_s(since_ms: float | None, now_ms: int) -> float:
    return 0.0 if since_ms is None else max(0.0, (now_ms - since_ms) / 1000)
