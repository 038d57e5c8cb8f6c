"""A store that makes every call of a script twice, and remembers what the second one changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from campaigns.store.client import ScriptCall, Store
from campaigns.store.keys import Keys


class Expiry:
    """When a key expires, unix ms; -1: never. Two are the same if they lie within three seconds."""

    def __init__(self, left_ms: int) -> None:
        self.at_ms = -1 if left_ms < 0 else time.time() * 1000 + left_ms

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expiry) and abs(self.at_ms - other.at_ms) < 3000

    __hash__ = None  # type: ignore[assignment]

    @property
    def is_over(self) -> bool:
        """Whether the key has expired by now."""
        return 0 <= self.at_ms <= time.time() * 1000 + 50


#: Everything under a prefix: key without it → its value, and when it expires.
Contents = dict[str, tuple[Any, Expiry]]


@dataclass
class Seen:
    """What the calls of one script did."""

    calls: int = 0
    wrote: int = 0
    #: Of each call whose repetition changed something: key → value before and after it.
    changed: list[dict[str, tuple[Any, Any]]] = field(default_factory=list)
    #: Contents before and after each first call.
    steps: list[tuple[Contents, Contents]] = field(default_factory=list)


class TwiceStore(Store):
    """The second call has the arguments and the time of the first. The caller gets the first answer."""

    def __init__(self, redis: Redis, keys: Keys, seen: dict[str, Seen]) -> None:
        super().__init__(redis, keys, now_ms=self._time_ms)
        self.seen = seen
        self._frozen_ms: int | None = None

    def _time_ms(self) -> int:
        return int(time.time() * 1000) if self._frozen_ms is None else self._frozen_ms

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        seen, self._frozen_ms = self.seen.setdefault(name, Seen()), self._time_ms()
        before = contents(self)
        answer = super().run(name, keys, args)
        once = contents(self)
        super().run(name, keys, args)
        twice = contents(self)
        self._frozen_ms = None
        seen.calls += 1
        if lasting(before, once) != once:
            seen.wrote += 1
            seen.steps.append((before, once))
        once = lasting(once, twice)
        if once != twice:
            names = sorted(set(once) | set(twice))
            seen.changed.append({n: (once.get(n), twice.get(n)) for n in names if once.get(n) != twice.get(n)})
        return answer

    def run_in_turn(self, calls: Sequence[ScriptCall]) -> list[Any]:
        return [self.run(*call) for call in calls]

    def run_replicated(self, calls: Sequence[ScriptCall]) -> tuple[list[Any], bool]:
        return self.run_in_turn(calls), True

    def run_all_safely(self, calls: Sequence[ScriptCall]) -> list[Any]:
        return self.run_in_turn(calls)


def lasting(earlier: Contents, later: Contents) -> Contents:
    """The earlier contents without the keys that have expired by themselves since: on a busy machine a bell may."""
    return {name: value for name, value in earlier.items() if name in later or not value[1].is_over}


def contents(store: Store) -> Contents:
    """All that stands under the store's prefix, by names without it."""
    redis, prefix = store.redis, store.keys.prefix
    names = redis.scan_iter(match=prefix + "*", count=1000)
    found = {name.decode().removeprefix(prefix): _value(redis, name) for name in names}
    return {name: value for name, value in found.items() if value[0] is not None}


def _value(redis: Any, name: bytes) -> tuple[Any, Expiry]:
    expires = Expiry(redis.pttl(name))
    match redis.type(name):
        case b"string":
            return redis.get(name), expires
        case b"hash":
            return redis.hgetall(name), expires
        case b"set":
            return redis.smembers(name), expires
        case b"zset":
            return redis.zrange(name, 0, -1, withscores=True), expires
        case b"list":
            return redis.lrange(name, 0, -1), expires
        case kind:
            # Or it has expired since it was found.
            return _stream(redis, name) if kind == b"stream" else None, expires


def _stream(redis: Any, name: bytes) -> Any:
    """The entries of a stream, and of each group its members and what they hold, how often begun and
    for how many seconds untouched."""
    groups = {}
    for group in redis.xinfo_groups(name):
        held = redis.xpending_range(name, group["name"], "-", "+", 1000) if group["pending"] else []
        members = sorted(member["name"] for member in redis.xinfo_consumers(name, group["name"]))
        groups[group["name"]] = members, [_held(one) for one in held]
    return redis.xrange(name), groups


def _held(one: Any) -> tuple[Any, ...]:
    return one["message_id"], one["consumer"], one["times_delivered"], one["time_since_delivered"] // 1000
