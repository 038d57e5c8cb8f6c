"""Connections that find the primary, and leave a server that is none any more.

The store and Celery's transport both connect by these. Every connection asks the server for its role before its first
command. A server that becomes a replica refuses writes (READONLY), ends blocking reads (UNBLOCKED), and still answers
reads, from data that grow old; a client that stayed there would never come back. So such an answer closes the
connection and counts as a lost one: a client that repeats commands then connects anew, by the address, whose name may
stand for another server by now, or by asking the Sentinels again. Each of these answers means that the command was not
carried out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis import Connection, ConnectionPool, Redis, Sentinel, SSLConnection, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterCrossSlotError,
    ClusterDownError,
    MovedError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from campaigns.settings import addresses, sentinels
from campaigns.store.keys import Keys
from campaigns.store.layout_version import check_layout
from campaigns.store.packing import Packer

#: For each Sentinel, to connect and to answer: another one knows the same.
_SENTINEL_S: Final = 1.0
#: Redirections that one attempt to connect follows in a cluster.
_HOPS: Final = 3
_ONE_SLOT: Final = "the server is in cluster mode, where one hash tag must hold all keys in one slot: "
_REMEDY: Final = "set CAMPAIGNS_KEY_PREFIX to one such as {campaigns}:"


class NotPrimaryError(RedisConnectionError):
    """The server is not a primary, or not that of these keys. Nothing was carried out; another try may find it."""


class MovedAwayError(NotPrimaryError):
    """In a cluster, the keys are at `host` and `port`; without a host, at another port of the same one."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        super().__init__("the keys are at another server of the cluster")


class WrongServerError(RedisError):
    """The server is of a kind that cannot be used, however often it is tried."""


class Way:
    """How connections find their server: `url` is a checked address, `key` any key that is used there.

    With `keys` the layout of what lies there must be ours. The address's TLS options hold for Sentinels too.
    """

    def __init__(self, url: str, key: str, keys: Keys | None = None) -> None:
        self.key = key
        self.keys = keys
        self.place = addresses.place(url)
        self._asked = sentinels.read(url) if sentinels.is_sentinels(url) else None
        self._first = 0
        self._tls: dict[str, Any] = {}
        if self._asked is not None and addresses.is_tls(url):
            options = addresses.redis_options(url)
            self._tls = {"ssl": True, **{name: value for name, value in options.items() if name.startswith("ssl_")}}

    def primary(self) -> tuple[str, int] | None:
        """Host and port of the primary by the word of a Sentinel; None where the address itself names it.

        Raises NotPrimaryError if no Sentinel knows one.
        """
        if self._asked is None:
            return None
        hosts, problems = self._asked.hosts, []
        for n in range(len(hosts)):
            which = (self._first + n) % len(hosts)
            try:
                found = self._ask(self._asked, *hosts[which])
            except RedisError as error:
                problems.append(f"{hosts[which][0]}:{hosts[which][1]}: {error}")
            else:
                self._first = which
                return found
        raise NotPrimaryError(f"no Sentinel names a primary: {'; '.join(problems)}")

    def doubt(self) -> None:
        """Ask another Sentinel next: the last one named a server that is not a primary."""
        self._first += 1

    def _ask(self, asked: sentinels.Sentinels, host: str, port: int) -> tuple[str, int]:
        retry = Retry(NoBackoff(), 0)
        times = {"socket_timeout": _SENTINEL_S, "socket_connect_timeout": _SENTINEL_S}
        manager = Sentinel([(host, port)], sentinel_kwargs={**times, **self._tls, **asked.login, "retry": retry})  # type: ignore[no-untyped-call]
        with manager.sentinels[0] as client:
            state = client.sentinel_masters().get(asked.name)
        if state is None:
            raise NotPrimaryError(f"knows no primary {asked.name!r}")
        if not manager.check_master_state(state, asked.name):  # type: ignore[no-untyped-call]
            raise NotPrimaryError(f"takes {asked.name!r} for down")
        return str(state["ip"]), int(state["port"])


#: Any of redis-py's connections, which have no common type.
_OfRedis: Any = object


class _Seeking(_OfRedis):  # type: ignore[misc]
    """Mixed into redis-py's connections: goes where the way leads, and stays with a primary only."""

    def __init__(self, *, way: Way, **options: Any) -> None:
        self._way = way
        super().__init__(**options)
        self._home = (self.host, self.port) if hasattr(self, "port") else None

    def connect_check_health(self, *args: Any, **options: Any) -> None:
        """One attempt to connect, which follows redirections."""
        if self._sock:
            return
        self._head_for(self._way.primary() or self._home)
        for hop in range(_HOPS + 1):
            try:
                super().connect_check_health(*args, **options)
            except MovedAwayError as moved:
                if hop == _HOPS or self._home is None:
                    raise
                self._head_for((moved.host or self.host, moved.port))
            else:
                return

    def on_connect_check_health(self, *args: Any, **options: Any) -> None:
        with self._hurried():
            super().on_connect_check_health(*args, **options)
            answer = self._introduction()
            if answer.get("mode") == "sentinel":
                raise WrongServerError("this is a Sentinel, not a server: write sentinel://HOST:PORT/NAME/0")
            if answer.get("mode") == "cluster":
                self._enter_cluster()
            elif answer.get("role") in {"replica", "slave"}:
                self._way.doubt()
                raise NotPrimaryError("the server is a replica, which takes no writes")
            if self._way.keys is not None:
                check_layout(self, self._way.keys)

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except ResponseError as error:
            problem = meaning(error)
            if problem is None:
                raise
        self.disconnect()
        raise problem

    def _head_for(self, place: tuple[str, int] | None) -> None:
        if place is not None:
            self.host, self.port = place

    @contextmanager
    def _hurried(self) -> Iterator[None]:
        """A server that is frozen still lets connect: its first answers get no longer than connecting does."""
        self._sock.settimeout(self.socket_connect_timeout)
        yield
        # redis-py ignores errors such as LOADING within a handshake. The connection is closed then, or is another.
        if self._sock is None:
            raise RedisConnectionError("the server closed the connection while it was opened")
        self._sock.settimeout(self.socket_timeout)

    def _introduction(self) -> dict[str, str]:
        """The server's answer to HELLO; nothing where HELLO is unknown, as to some proxies, or not allowed."""
        answer = self.handshake_metadata if str(self.protocol) == "3" else None
        if not answer:
            self.send_command("HELLO", check_health=False)
            try:
                answer = self.read_response()
            except ResponseError:
                return {}
        if isinstance(answer, list):
            answer = dict(zip(answer[::2], answer[1::2], strict=True))
        return {_text(name): _text(value) for name, value in answer.items()}

    def _enter_cluster(self) -> None:
        """Find out whether the keys are here."""
        if not _hash_tag(self._way.key):
            raise WrongServerError(_ONE_SLOT + _REMEDY)
        self.send_command("EXISTS", self._way.key, check_health=False)
        self.read_response()


class SeekingConnection(_Seeking, Connection):
    """Over TCP."""


class SeekingSSLConnection(_Seeking, SSLConnection):
    """Over TLS."""


class SeekingUnixConnection(_Seeking, UnixDomainSocketConnection):
    """Over a unix socket."""


_SEEKING: Final = {
    Connection: SeekingConnection,
    SSLConnection: SeekingSSLConnection,
    UnixDomainSocketConnection: SeekingUnixConnection,
}


def options_of(url: str, key: str) -> dict[str, Any]:
    """What a connection pool of redis-py needs to reach a checked address, `connection_class` among it."""
    options = addresses.redis_options(url)
    return {**options, "connection_class": _SEEKING[options.get("connection_class", Connection)], "way": Way(url, key)}


def place_of(redis: Redis) -> str:
    """Host and port, the path of the socket, or the primary and its Sentinels; never the password."""
    known = redis.connection_pool.connection_kwargs
    if "way" in known:
        return str(known["way"].place)
    return str(known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}")


def pool_of(url: str, keys: Keys, usual: dict[str, Any]) -> ConnectionPool:
    """Connections to the store at a checked address. Options in the URL override `usual`."""
    fixed = {"way": Way(url, keys.layout(), keys), "command_packer": Packer()}
    return ConnectionPool(**{**usual, **options_of(url, keys.layout()), **fixed})


def meaning(error: ResponseError) -> RedisError | None:
    """The problem of the server, not of the command, that an answer names; None if it names none."""
    text = str(error)
    if isinstance(error, MovedError):
        return MovedAwayError(error.host, error.port)
    if isinstance(error, AskError | TryAgainError):
        return NotPrimaryError("the keys are being moved to another server of the cluster")
    if isinstance(error, ClusterCrossSlotError):
        return WrongServerError(_ONE_SLOT + _REMEDY)
    # Redis 6.2 wraps what a script meets: "Error running script ...: -READONLY You can't write ...".
    if isinstance(error, ReadOnlyError) or "-READONLY " in text:
        return NotPrimaryError("the server has become a replica, which takes no writes")
    if isinstance(error, ClusterDownError) or text.startswith("UNBLOCKED"):
        return NotPrimaryError(text)
    return None


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _hash_tag(key: str) -> str:
    """The part of a key that decides its slot in a cluster; '' if the whole key does."""
    _, _, after = key.partition("{")
    tag, closed, _ = after.partition("}")
    return tag if closed else ""
