"""What the doctor checks of who may use the server: without a password, and as the user `default`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from campaigns.cli.doctor.findings import OK, WARN, Finding
from campaigns.errors import StoreError
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command
from campaigns.wiring import RedisTimeouts, open_store

#: Parts of an address by which a client shows who it is.
_LOGIN = frozenset({"username", "password", "ssl_certfile", "ssl_keyfile", "ssl_password"})
_WHAT = "access to the server"
#: Some of the commands in an append-only file, with arguments.
_REPLAYED: Final = (
    ("SELECT", "0"),
    ("MULTI",),
    ("HSET", "KEY", "field", "value"),
    ("ZADD", "KEY", "1", "member"),
    ("XADD", "KEY", "*", "field", "value"),
    ("PEXPIREAT", "KEY", "1"),
    ("DEL", "KEY"),
)


def check_access(store: Store, settings: Settings, timeouts: RedisTimeouts) -> Iterator[Finding]:
    """Whether a client without a password could read what is stored, and whether `default` has its rights.

    `timeouts` are those of a connection without a password.
    """
    # In protected mode a server without any password refuses clients of other machines.
    bound = "" if store.server_setting("protected-mode") != "no" else store.server_setting("bind")
    elsewhere = is_reachable(settings.redis_url, bound or "")
    yield of_access(store.address, elsewhere=elsewhere, open_to_all=elsewhere and _is_open(settings, timeouts))
    yield from _of_default(store)


def of_access(place: str, *, elsewhere: bool, open_to_all: bool) -> Finding:
    """`elsewhere`: other machines can reach the server. `open_to_all`: it obeys clients without password too."""
    if not elsewhere:
        return Finding(OK, _WHAT, "only from its own machine")
    if not open_to_all:
        return Finding(OK, _WHAT, "only with a password or certificate")
    found = f"{place} obeys clients without a password: each can read all phones and texts, and have messages sent"
    return Finding(
        WARN, _WHAT, found, "set a password or users (deploy/redis.acl), or let only these processes reach the server"
    )


def is_reachable(url: str, bound: str) -> bool:
    """Whether clients of other machines may reach the server. `bound`: addresses at which it accepts them, if any."""
    parts = urlsplit(url)
    from_here = parts.scheme == "unix" or (parts.scheme in {"redis", "rediss"} and _is_loopback(parts.hostname or ""))
    return not from_here or not all(_is_loopback(address.lstrip("-")) for address in bound.split())


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_open(settings: Settings, timeouts: RedisTimeouts) -> bool:
    """Whether the server lets a client read keys that does not show who it is."""
    nobody = open_store(replace(settings, redis_url=without_login(settings.redis_url)), timeouts)
    try:
        nobody.ask(Redis.exists, nobody.keys.layout())
    except StoreError:
        return False
    finally:
        nobody.redis.close()
    return True


def without_login(url: str) -> str:
    """The same address without user, password and certificate."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in _LOGIN]
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{urlencode(query)}" if query else "")


def _of_default(store: Store) -> Iterator[Finding]:
    """What is wrong with the rights of `default`. Nothing where the server does not tell: ACL DRYRUN is of Redis 7."""
    key = store.keys.layout()
    tried = [
        command(Redis.acl_dryrun, "default", name, *(key if arg == "KEY" else arg for arg in args))
        for name, *args in _REPLAYED
    ]
    try:
        answers = store.ask_many(tried)
    except StoreError:
        return
    if any(answer != b"OK" for answer in answers):
        found = (
            "`default` lacks rights, and many servers read the append-only file as it: a restart may lose what was sent"
        )
        yield Finding(
            WARN, "user default", found, "ACL SETUSER default ~* &* +@all (it may stay off), also in its file"
        )
