"""The doctor: what campaigns need, each with a verdict and a remedy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from campaigns.errors import GatewayError, NotNowError, SettingsError, StoreError
from campaigns.flow.services import Services
from campaigns.names import QUEUES
from campaigns.results import Groups
from campaigns.settings import DEFAULT_ACCOUNT, token_variable
from campaigns.wiring import default_services

#: Servers older than this lack commands that the scripts use.
_OLDEST_SERVER = (6, 2)
_LATE_S = 60.0
_SKEW_S = 5.0


class Finding(NamedTuple):
    """One thing that was looked at. `verdict` is 'ok', 'warn' or 'fail'."""

    verdict: str
    what: str
    found: str
    remedy: str = ""


def examine(services: Services | None = None) -> list[Finding]:
    """Look at everything. Raises SettingsError if not even the settings can be read."""
    services = services or default_services()
    try:
        services.store.ask("ping")
    except StoreError as error:
        return [Finding("fail", "server", str(error), "start Redis or Valkey, and let CAMPAIGNS_REDIS_URL name it")]
    checks: list[Callable[[Services], Iterator[Finding]]] = [
        _server,
        _eviction,
        _persistence,
        _clock,
        _workers,
        _due,
        _events,
        _accounts,
    ]
    return [finding for check in checks for finding in check(services)]


def _server(services: Services) -> Iterator[Finding]:
    info = services.store.ask("info", "server")
    name = str(info.get("server_name", "redis"))
    version = str(info.get("valkey_version") or info.get("redis_version"))
    recent = tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST_SERVER
    yield Finding(
        "ok" if recent else "fail",
        "server",
        f"{name} {version}",
        "" if recent else "use Redis 6.2 or later, or Valkey",
    )


def _eviction(services: Services) -> Iterator[Finding]:
    policy = services.store.ask("info", "memory").get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        yield Finding("ok", "eviction", policy)
    else:
        yield Finding(
            "fail",
            "eviction",
            f"{policy}: a full server forgets campaigns",
            "set maxmemory-policy noeviction, so that a full server stops the workers instead",
        )


def _persistence(services: Services) -> Iterator[Finding]:
    info = services.store.ask("info", "persistence")
    if int(info.get("aof_enabled", 0)):
        yield Finding("ok", "persistence", "appendonly")
    else:
        yield Finding(
            "warn",
            "persistence",
            "a restart of the server forgets what was sent",
            "set appendonly yes and appendfsync always",
        )


def _clock(services: Services) -> Iterator[Finding]:
    skew_s = abs(services.now_ms() / 1000 - time.time())
    if skew_s <= _SKEW_S:
        yield Finding("ok", "clock", f"{skew_s:.1f} s from the server's")
    else:
        yield Finding("warn", "clock", f"{skew_s:.0f} s from the server's", "synchronise both with NTP")


def _workers(services: Services) -> Iterator[Finding]:
    last = services.store.ask("get", services.store.keys.heartbeat("dispatch"))
    age_s = (services.now_ms() - int(last)) / 1000 if last else None
    if age_s is not None and age_s < 15:
        yield Finding("ok", "beat and control worker", f"dispatched {age_s:.0f} s ago")
    else:
        seen = "never dispatched" if age_s is None else f"last dispatched {age_s:.0f} s ago"
        yield Finding(
            "fail",
            "beat and control worker",
            seen,
            "start the processes `beat` and `control` of the Procfile",
        )


def _due(services: Services) -> Iterator[Finding]:
    now_ms = services.now_ms()
    for queue in QUEUES:
        depth, since_ms = services.due.depth(queue, now_ms)
        late_s = (now_ms - since_ms) / 1000 if since_ms is not None else 0.0
        if late_s > _LATE_S:
            yield Finding(
                "warn",
                f"queue {queue}",
                f"{depth} due, the oldest for {late_s:.0f} s",
                f"start a worker for the queue {queue}, or more of them",
            )
        else:
            yield Finding("ok", f"queue {queue}", f"{depth} due")


def _events(services: Services) -> Iterator[Finding]:
    entries, cap = len(services.events), services.settings.events_cap
    behind = Groups(services.store).all()
    if entries < cap / 2:
        yield Finding("ok", "event stream", f"{entries:,} of {cap:,} entries, {len(behind)} groups")
    elif behind:
        last = behind[0]
        yield Finding(
            "warn" if entries < cap else "fail",
            "event stream",
            f"{entries:,} of {cap:,} entries; furthest behind: group {last.name}, {last.pending:,} pending",
            f"campaigns pause when it is full: start its consumers, or campaigns events --group {last.name} --forget",
        )
    else:
        yield Finding(
            "warn" if entries < cap else "fail",
            "event stream",
            f"{entries:,} of {cap:,} entries: campaigns pause when it is full",
            "lower CAMPAIGNS_EVENTS_LIFE_S, since nobody reads them, or raise CAMPAIGNS_EVENTS_CAP",
        )


def _accounts(services: Services) -> Iterator[Finding]:
    accounts = services.settings.accounts
    if not accounts:
        yield Finding(
            "fail",
            "token",
            "no account has one",
            f"set {token_variable(DEFAULT_ACCOUNT)}, or {token_variable(DEFAULT_ACCOUNT)}_FILE",
        )
    for account in accounts:
        if (resting := services.limiter.resting(account)) is not None:
            until_ms, reason = resting
            left_s = (until_ms - services.now_ms()) / 1000
            yield Finding(
                "warn", f"account {account}", f"rests for {left_s:.0f} s: {reason}", f"campaigns wake {account}"
            )
        yield _gateway(services, account)


def _gateway(services: Services, account: str) -> Finding:
    what = f"gateway, account {account}"
    try:
        services.gateway(account).get_viber_messages(rows=1)
    except NotNowError:
        return Finding("warn", what, "not asked: the account rests or is busy")
    except (GatewayError, SettingsError) as error:
        remedy = f"check CAMPAIGNS_GATEWAY_URL and {token_variable(account)}"
        return Finding("fail", what, str(error), remedy)
    return Finding("ok", what, services.settings.gateway_url)
