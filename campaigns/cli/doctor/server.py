"""What the doctor checks of the Redis server: version, persistence, eviction, memory, replicas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaigns.cli.doctor.findings import FAIL, OK, WARN, Finding
from campaigns.store.client import Store
from campaigns.store.commands import Redis

#: Servers older than this lack commands that the scripts use.
_OLDEST_SERVER = (6, 2)
_MUCH, _TOO_MUCH = 0.8, 0.97
_MB = 1024 * 1024


def check_server(store: Store) -> Iterator[Finding]:
    """Raises StoreError."""
    info = store.ask(Redis.info)
    yield of_version(str(info.get("server_name", "redis")), str(info.get("valkey_version") or info["redis_version"]))
    yield of_persistence(bool(int(info.get("aof_enabled", 0))), store.server_setting("appendfsync"))
    yield of_eviction(str(info.get("maxmemory_policy", "unknown")))
    yield of_memory(info)
    yield of_replicas(info, store.replicas)


def of_version(name: str, version: str) -> Finding:
    """Whether the server is new enough."""
    if tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST_SERVER:
        return Finding(OK, "server version", f"{name} {version}")
    return Finding(FAIL, "server version", f"{name} {version} is too old", "use Redis 6.2 or later, or Valkey")


def of_persistence(appendonly: bool, fsync: str | None) -> Finding:
    """Whether the server keeps its writes across a crash."""
    remedy = "set appendonly yes and appendfsync always (CONFIG SET, and in its file)"
    if not appendonly:
        return Finding(WARN, "persistence", "appendonly is off: a restart of the server loses what was sent", remedy)
    if fsync is None:
        return Finding(
            OK, "persistence", "appendonly; the server does not show its appendfsync, which should be always"
        )
    if fsync != "always":
        found = f"appendfsync is {fsync}: a crash loses the last writes, and messages may be sent again"
        return Finding(WARN, "persistence", found, remedy)
    return Finding(OK, "persistence", "appendonly, appendfsync always")


def of_eviction(policy: str) -> Finding:
    """Whether a full server refuses writes instead of evicting keys."""
    if policy == "noeviction":
        return Finding(OK, "eviction", policy)
    remedy = "set maxmemory-policy noeviction, so that a full server stops the workers instead"
    return Finding(FAIL, "eviction", f"{policy}: a full server deletes campaigns", remedy)


def of_memory(info: dict[str, Any]) -> Finding:
    """How near the server is to its limit."""
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not most:
        return Finding(OK, "memory", f"{used / _MB:,.0f} MB, no limit")
    found = f"{used / _MB:,.1f} of {most / _MB:,.1f} MB"
    if used < most * _MUCH:
        return Finding(OK, "memory", found)
    remedy = "raise maxmemory, or shorten CAMPAIGNS_RETENTION_S: a full server stops all sending"
    return Finding(FAIL if used >= most * _TOO_MUCH else WARN, "memory", found, remedy)


def of_replicas(info: dict[str, Any], wanted: int) -> Finding:
    """Whether a failover can lose what was sent."""
    if info.get("role") == "slave":
        remedy = "set CAMPAIGNS_REDIS_URL to the primary, by a name that moves with it"
        return Finding(FAIL, "replicas", "this server is a replica, which accepts no writes", remedy)
    there = int(info.get("connected_slaves", 0))
    if there < wanted:
        found = f"{there} of the {wanted} that CAMPAIGNS_REPLICAS asks for: nothing is sent"
        return Finding(FAIL, "replicas", found, "start the replicas that are missing")
    if there and not wanted:
        found = f"{there}, and CAMPAIGNS_REPLICAS is 0: a failover holds up batches that may have been sent"
        remedy = f"set CAMPAIGNS_REPLICAS={there}, so that each claim is in the replicas before its request is sent"
        return Finding(WARN, "replicas", found, remedy)
    if there > wanted:
        found = f"{there}, and CAMPAIGNS_REPLICAS is {wanted}: one that lacks the last writes may be promoted"
        return Finding(WARN, "replicas", found, f"set CAMPAIGNS_REPLICAS={there}, or let only the first be promoted")
    good = info.get("min_slaves_good_slaves")
    if wanted and good is None:
        found = f"{there}; min-replicas-to-write is off: a primary that is cut off takes writes, but nothing is sent"
        return Finding(OK, "replicas", found)
    return Finding(OK, "replicas", f"{there}, as CAMPAIGNS_REPLICAS asks for" if wanted else "none")
