"""Samples of the event stream, its groups, the server itself, and the broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from campaigns.broker.waiting import waiting_at_broker
from campaigns.events import Groups
from campaigns.ledger import OptOuts
from campaigns.metrics.described import (
    CAP,
    CLOCK_AHEAD,
    CLOCK_CORRECTION,
    DEAD,
    ENTRIES,
    FULL,
    LAG,
    MEMORY,
    MEMORY_LIMIT,
    OPTOUTS,
    PENDING,
    POLICY,
    REPLICAS,
    REPLICAS_WANTED,
    SUBMITTED,
    Sample,
)
from campaigns.names import SUBMISSIONS
from campaigns.settings import Settings
from campaigns.settings.values import OPTOUT_SCOPES
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command

#: Most groups that are exported: those that are furthest behind.
_MOST_GROUPS: Final = 100


def of_events(store: Store, settings: Settings, now_ms: int) -> Iterator[Sample]:
    """How full the stream is, and how far its groups are."""
    keys, groups = store.keys, Groups(store).all()[:_MOST_GROUPS]
    yield Sample(ENTRIES, (), store.ask(Redis.xlen, keys.events()))
    yield Sample(CAP, (), settings.events_cap)
    yield Sample(FULL, (), bool(store.ask(Redis.hexists, keys.stream(), "full_ms")))
    yield from (Sample(OPTOUTS, (kind,), number) for kind, number in _opted_out(store).items())
    dead = store.ask_many([command(Redis.xlen, keys.dead_letters(group.name)) for group in groups])
    for group, letters in zip(groups, dead, strict=True):
        waited_s = 0.0 if group.oldest_ms is None else max(0, now_ms - group.oldest_ms) / 1000
        yield Sample(LAG, (group.name,), waited_s)
        yield Sample(PENDING, (group.name,), group.pending)
        yield Sample(DEAD, (group.name,), letters)


def of_broker(settings: Settings) -> Iterator[Sample]:
    """What is known to the broker only. Nothing if it does not answer."""
    waiting = waiting_at_broker(settings, SUBMISSIONS)
    if waiting is not None:
        yield Sample(SUBMITTED, (), waiting)


def _opted_out(store: Store) -> dict[str, int]:
    """How many phones are opted out, by the kind of scope."""
    numbers = dict.fromkeys(OPTOUT_SCOPES, 0)
    for scope, number in OptOuts(store).sizes().items():
        numbers[scope.kind] += number
    return numbers


def of_server(store: Store, wall_s: Callable[[], float]) -> Iterator[Sample]:
    """Replicas, whether the server keeps what it is given, its memory and its clock. `wall_s`: ours, unix seconds."""
    info: dict[str, Any] = store.ask(Redis.info)
    there = int(info.get("connected_slaves", 0))
    yield Sample(REPLICAS, (), there)
    yield Sample(REPLICAS_WANTED, (), store.replicas)
    yield from (Sample(POLICY, (check,), kept) for check, kept in _checks(store, info).items())
    yield Sample(MEMORY, (), int(info.get("used_memory", 0)))
    yield Sample(MEMORY_LIMIT, (), int(info.get("maxmemory", 0)))
    began_s, reading, ended_s = wall_s(), store.read_clock(), wall_s()
    yield Sample(CLOCK_AHEAD, (), reading.server_ms / 1000 - (began_s + ended_s) / 2)
    yield Sample(CLOCK_CORRECTION, (), reading.offset_ms / 1000)


def _checks(store: Store, info: Mapping[str, Any]) -> dict[str, bool]:
    at_once = store.server_setting("appendfsync") in {None, "always"}
    return {
        "eviction": info.get("maxmemory_policy") == "noeviction",
        "persistence": bool(info.get("aof_enabled")) and at_once,
        "replicas": int(info.get("connected_slaves", 0)) >= store.replicas,
        "writing": info.get("aof_last_write_status", "ok") == "ok",
    }
