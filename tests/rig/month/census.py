"""What a store holds: keys by class, how much stands in them, and memory."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from campaigns.names import CONTROL
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.keys import Keys

_PART = "<>"
_PER_ANSWER = 1000
UNNAMED = "?"
#: How much stands in each of some keys.
_SIZES = """
local counts = {hash = 'HLEN', set = 'SCARD', zset = 'ZCARD', list = 'LLEN', stream = 'XLEN'}
local sizes = {}
for i, key in ipairs(KEYS) do
  local count = counts[redis.call('TYPE', key).ok]
  sizes[i] = count and redis.call(count, key) or 1
end
return sizes
"""


@dataclass
class Class:
    """Keys of one class: how many, how many members they have together, and the one that has most."""

    keys: int = 0
    members: int = 0
    largest: int = 0


@dataclass
class Census:
    """What there is at one moment. `memory` is the server's `used_memory` in bytes, `resident` what it has of the
    system's. Classes bear the names of the methods of `campaigns.store.keys.Keys`."""

    memory: int
    resident: int
    classes: dict[str, Class] = field(default_factory=dict)

    @property
    def keys(self) -> int:
        return sum(found.keys for found in self.classes.values())

    def of(self, name: str) -> Class:
        return self.classes.get(name, Class())


def take(store: Store) -> Census:
    """Read every key; the server removes each that has expired."""
    classes: dict[str, Class] = defaultdict(Class)
    named = Classes(store.keys.prefix)
    for keys in _portions(store):
        for key, size in zip(keys, store.ask(Redis.eval, _SIZES, len(keys), *keys), strict=True):
            found = classes[named.of(key.decode())]
            found.keys += 1
            found.members += size
            found.largest = max(found.largest, size)
    memory: Any = store.ask(Redis.info, "memory")
    return Census(int(memory["used_memory"]), int(memory["used_memory_rss"]), dict(classes))


def _portions(store: Store) -> Iterator[list[bytes]]:
    cursor = None
    while cursor != 0:
        cursor, keys = store.ask(Redis.scan, cursor or 0, store.keys.prefix + "*", _PER_ANSWER)
        if keys:
            yield keys


class Classes:
    """Which method of `Keys` gives a name."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._by_beginning: dict[str, list[tuple[str, re.Pattern[str]]]] = defaultdict(list)
        for name, template in templates():
            pattern = re.escape(template).replace(re.escape(_PART), "[^:]*")
            pattern = pattern.replace("key:[^:]*", "key:.*")  # an application chooses these
            self._by_beginning[template.partition(":")[0]].append((name, re.compile(pattern)))

    def of(self, key: str) -> str:
        """`?` for a name that no method gives."""
        own = key.removeprefix(self._prefix)
        candidates = self._by_beginning.get(own.partition(":")[0], [])
        return next((name for name, pattern in candidates if pattern.fullmatch(own)), UNNAMED)


def templates() -> Iterator[tuple[str, str]]:
    """Each method of `Keys` and a name that it gives, with `<>` for what differs."""
    keys = Keys("")
    for name in dir(Keys):
        method = getattr(keys, name)
        if name.startswith("_") or not inspect.ismethod(method):
            continue
        arguments = [_PART] * len(inspect.signature(method).parameters)
        # What stands before five sets, and gives no key of its own.
        yield name, f"{method(*arguments)}:{_PART}" if name == "permits" else method(*arguments)
    yield "due", keys.due(CONTROL)
    yield "metrics", keys.metrics()
