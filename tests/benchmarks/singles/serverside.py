"""What the server did, by its own word: scripts and commands by name, with the time that each took.

The slow log, set to take everything, names each script by its digest, and lists what a script called before the script
itself. Writing it down costs the server a third more, so rates are never measured with it on.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from campaigns.store.lua import script_text

_ENTRIES = 10_000_000


@dataclass
class Asked:
    """How often a script or a command was asked for, and what it took; of a script also what it called."""

    calls: int = 0
    us: int = 0
    inner: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Totals:
    """Counters of the server. `busy_us` of its loop, of which `commands_us` were commands; the rest is reading,
    answering and syncing the append-only file."""

    scripts: int
    commands: int
    reads: int
    loops: int
    busy_us: int
    commands_us: int
    bytes_in: int
    bytes_out: int
    file_bytes: int
    memory_bytes: int
    cpu_s: float

    def __sub__(self, other: Totals) -> Totals:
        return Totals(**{name: value - getattr(other, name) for name, value in vars(self).items()})


def totals(redis: Any) -> Totals:
    """The counters now. Loops and their time are 0 where the server does not count them (before 7.0)."""
    info = redis.info("everything")
    return Totals(
        scripts=sum(info.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval")),
        commands=info["total_commands_processed"],
        reads=info["total_reads_processed"],
        loops=info.get("eventloop_cycles", 0),
        busy_us=info.get("eventloop_duration_sum", 0),
        commands_us=info.get("eventloop_duration_cmd_sum", 0),
        bytes_in=info["total_net_input_bytes"],
        bytes_out=info["total_net_output_bytes"],
        file_bytes=info.get("aof_current_size", 0),
        memory_bytes=info["used_memory"],
        cpu_s=info["used_cpu_sys"] + info["used_cpu_user"],
    )


@contextmanager
def logged(redis: Any) -> Iterator[dict[str, Asked]]:
    """Log everything meanwhile. What was asked for stands in the mapping once the block has ended."""
    found: dict[str, Asked] = {}
    redis.config_set("slowlog-max-len", _ENTRIES)
    redis.slowlog_reset()
    redis.config_set("slowlog-log-slower-than", 0)
    try:
        yield found
    finally:
        redis.config_set("slowlog-log-slower-than", -1)
        entries = redis.slowlog_get(-1)
        redis.slowlog_reset()
    found.update(_by_name(entry for entry in reversed(entries)))


def _by_name(entries: Iterator[dict[str, Any]]) -> dict[str, Asked]:
    """The entries, oldest first. A script's own entry follows those of what it called, under the same client."""
    names, found = _digests(), defaultdict[str, Asked](Asked)
    called: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for entry in entries:
        words = entry["command"].split(b" ", 2)
        word = words[0].decode().lower()
        if word not in {"evalsha", "eval"}:
            called[entry["client_address"]].append((word, entry["duration"]))
            continue
        script = found[names.get(words[1].decode(), "another script")]
        script.calls += 1
        script.us += entry["duration"]
        script.inner.update(_of_script(called[entry["client_address"]], entry["duration"]))
    for word, took_us in (one for rest in called.values() for one in rest):
        found[f"({word})"].calls += 1
        found[f"({word})"].us += took_us
    return dict(found)


def _of_script(called: list[tuple[str, int]], took_us: int) -> Iterator[str]:
    """Take out what fits the time of a script; what lies before that its client had asked for by itself."""
    while called and (took_us := took_us - called[-1][1]) >= 0:
        yield called.pop()[0]


def _digests() -> dict[str, str]:
    """The scripts of `campaigns/store/lua` by what the server calls them."""
    names = (
        file.name.removesuffix(".lua") for file in files("campaigns.store.lua").iterdir() if file.name.endswith(".lua")
    )
    return {hashlib.sha1(script_text(name).encode(), usedforsecurity=False).hexdigest(): name for name in names}
