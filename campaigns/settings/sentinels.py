"""Addresses of a primary that Sentinels name: `sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME/DB?OPTIONS`.

`sentinels://` is the same with TLS, both to the Sentinels and to the server. User, password, database and options are
the server's; `sentinel_username` and `sentinel_password` are those of the Sentinels. kombu parses addresses with
urllib, which accepts only one host, so a checked address has the other Sentinels as an option. A wrong address raises
ValueError with the reason and a remedy. The message never quotes the address, since any part may be a password.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

SCHEMES: Final = ("sentinel", "sentinels")
_OWN_OPTIONS: Final = {"sentinel_username": "username", "sentinel_password": "password"}
_OTHERS: Final = "sentinel_others"
_PORT: Final = 26379
_HOST: Final = re.compile(r"(?P<host>[\w.-]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?")
_SHAPE: Final = "such as sentinel://HOST:26379,HOST:26379/NAME/0"


class Sentinels(NamedTuple):
    """The Sentinels, the name of the primary, and how to connect to both.

    `server` is the address of the primary as a `redis://` or `rediss://` URL, with the first Sentinel in place of its
    host, which only the Sentinels know. `login` holds redis-py's options for logging in to the Sentinels.
    """

    hosts: tuple[tuple[str, int], ...]
    name: str
    server: str
    login: dict[str, str]

    @property
    def place(self) -> str:
        """The primary and its Sentinels, for people."""
        listed = ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{self.name} of {listed}"


def is_sentinels(url: str) -> bool:
    """Whether a checked address names Sentinels."""
    return url.partition("://")[0] in SCHEMES


def with_one_host(url: str) -> str:
    """The same address, with all Sentinels but the first as an option. Raises ValueError."""
    read(url)
    scheme, _, rest = url.partition("://")
    authority, _, tail = rest.partition("/")
    login, at, hosts = authority.rpartition("@")
    first, comma, others = hosts.partition(",")
    option = f"{'&' if '?' in tail else '?'}{_OTHERS}={others}" if comma else ""
    return f"{scheme}://{login}{at}{first}/{tail}{option}"


def read(url: str) -> Sentinels:
    """The parts of the address. Raises ValueError."""
    scheme, _, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    login, at, hosts = authority.rpartition("@")
    path, _, query = tail.partition("?")
    name, _, database = path.partition("/")
    if not slash or not name or (name.isdecimal() and not database):
        raise ValueError(f"does not name the primary after its Sentinels, {_SHAPE}")
    options = parse_qsl(query, keep_blank_values=True)
    if any(option in {*_OWN_OPTIONS, _OTHERS} and not value for option, value in options):
        raise ValueError("has an empty sentinel_username or sentinel_password: remove it")
    others = urlencode([(option, value) for option, value in options if option not in {*_OWN_OPTIONS, _OTHERS}])
    listed = [*hosts.split(","), *(host for option, value in options if option == _OTHERS for host in value.split(","))]
    found = tuple(_host(host) for host in listed)
    host = found[0][0]
    server = f"{login}{at}{f'[{host}]' if ':' in host else host}/{database}"
    return Sentinels(
        hosts=found,
        name=unquote(name),
        server=f"{'rediss' if scheme == 'sentinels' else 'redis'}://{server}" + (f"?{others}" if others else ""),
        login={_OWN_OPTIONS[option]: value for option, value in options if option in _OWN_OPTIONS},
    )


def _host(text: str) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    port = int(match["port"] or _PORT) if match else 0
    if match is None or not 0 < port < 65536:
        in_password = "in a password, write / as %2F, ? as %3F and @ as %40"
        raise ValueError(f"has no readable hosts and ports of Sentinels, {_SHAPE}; {in_password}")
    return match["host"].strip("[]"), port
