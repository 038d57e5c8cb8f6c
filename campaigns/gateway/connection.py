"""Connections that know whether a byte was written, and that keep a deadline.

urllib3's exceptions do not say whether a byte was written: its ConnectionError and SSLError each cover failures before
and after the first byte, and it ignores a broken pipe while it writes. So the connection connects first (name look-up,
TCP, TLS) and then notes the first write itself.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry, Timeout

from campaigns.gateway.sealing import Seal

#: As requests has it.
_NEVER: Final = Retry(0, read=False)


class RefusedToWriteError(Exception):
    """The guard refused before the first byte. Not an OSError, since urllib3 ignores some of those."""


@dataclass(slots=True)
class Exchange:
    """One request under way: what has happened so far, and until when it may last (seconds of `clock`).

    `seal` puts the token into what is written: the first piece is the head, the second the body or its beginning.
    urllib3 logs addresses, requests puts them into exceptions, and tracers keep both and more: none ever sees it.
    """

    until_s: float
    connect_timeout_s: float
    clock: Callable[[], float]
    may_write: Callable[[], bool]
    seal: Seal
    wrote: bool = False
    pieces: int = 0

    def left_s(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        left = self.until_s - self.clock()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def before_write(self) -> None:
        """Called before every piece that is written; notes the first. Raises RefusedToWriteError or TimeoutError."""
        self.left_s()
        if not self.wrote:
            if not self.may_write():
                raise RefusedToWriteError
            self.wrote = True

    def sealed(self, piece: Any) -> memoryview:
        """The next piece as it goes on the wire. Raises ValueError if the token should be in it and cannot."""
        self.pieces += 1
        if self.pieces == (1 if self.seal.in_head else 2):
            return self.seal.apply(piece)
        return memoryview(piece).cast("B")


class _Current(threading.local):
    exchange: Exchange


#: The exchange of this thread; a connection may serve many, one after the other.
current = _Current()


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket, each time with what is left of the deadline."""

    def __init__(self, raw: Any, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(current.exchange.left_s())
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class DeadlineSocket:
    """A socket whose every operation gets what is left of the deadline, and no more.

    A timeout per operation would not be a deadline: a server that sends a byte a second would never reach it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendall(self, data: Any) -> None:
        view = current.exchange.sealed(data)
        while view:
            self._sock.settimeout(current.exchange.left_s())
            view = view[self._sock.send(view) :]

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        # The socket counts its files: http.client closes it before the answer is read.
        return io.BufferedReader(_DeadlineReader(self._sock.makefile("rb", buffering=0), self._sock))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _HeaderLines:
    """Reads the head of an answer, so that one odd line costs itself and a missing end is noticed.

    Python's parser takes a line without a colon, or with a space before it, for the end of the headers: what stands
    after it is lost, the length of the body too. And it takes the end of the connection for the end of the headers.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._in_status = True
        self._dropped = True  # a continuation of nothing is dropped too

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._source.readline(limit)
        if self._in_status:
            # An interim answer (100 Continue) is followed by another status line.
            self._in_status = not line.strip()
            return line
        while line not in _ENDS:
            kept = self._readable(line)
            if kept:
                return kept
            line = self._source.readline(limit)
        if not line.endswith(b"\n"):
            raise http.client.HTTPException("cut headers")
        self._in_status = True
        return line

    def _readable(self, line: bytes) -> bytes:
        """The line in a form that the parser accepts; an empty one if it is not a header."""
        if not line.endswith(b"\n"):
            return line
        if line[:1] in b" \t":
            return b"" if self._dropped or not line.strip() else line
        match = _HEADER.match(line)
        self._dropped = match is None
        return match[1] + b":" + match[2] if match else b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


_ENDS = frozenset({b"\r\n", b"\n", b""})
#: A header's name, perhaps with spaces before its colon, and the rest of the line.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)


class _WholeResponse(http.client.HTTPResponse):
    """Refuses headers that were cut off. urllib3 would take them for all there are, and log the address."""

    def begin(self) -> None:
        source = self.fp
        self.fp = _HeaderLines(source)  # type: ignore[assignment]  # it has all that reading the head asks for
        try:
            super().begin()
        finally:
            if isinstance(self.fp, _HeaderLines):
                self.fp = source
        if self.headers.defects or self.headers.get_payload():
            raise http.client.HTTPException("cut headers")


class _Noting:
    """Mixed into urllib3's connections."""

    sock: Any
    timeout: Any
    response_class: Any = _WholeResponse

    def connect(self) -> None:
        exchange = current.exchange
        self.timeout = min(exchange.connect_timeout_s, exchange.left_s())
        super().connect()  # type: ignore[misc]  # of the connection that this is mixed into
        self.sock = DeadlineSocket(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        current.exchange.before_write()
        super().send(data)  # type: ignore[misc]


class _Plain(_Noting, HTTPConnection):
    pass


class _Tls(_Noting, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Fresh:
    """A pool that keeps no connection: an idle one may be dead, and only a write would show it."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.close()


class _FreshPlainPool(_Fresh, _PlainPool):
    pass


class _FreshTlsPool(_Fresh, _TlsPool):
    pass


class NotingAdapter(HTTPAdapter):
    """Posts over noting connections, with requests' rules for certificates; with `fresh`, each request gets a
    connection of its own. `verify`: whether certificates are checked, or a file of those that are trusted."""

    def __init__(self, verify: bool | str, *, fresh: bool) -> None:
        self._verify = verify
        self._fresh = fresh
        self._pool: HTTPConnectionPool | None = None
        super().__init__(pool_maxsize=1 if fresh else 16, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        plain, tls = (_FreshPlainPool, _FreshTlsPool) if self._fresh else (_PlainPool, _TlsPool)
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": tls}

    def post(
        self,
        address: PreparedRequest,
        target: str,
        headers: dict[str, str],
        body: bytes | None,
        timeouts_s: tuple[float, float],
    ) -> BaseHTTPResponse:
        """Post to a path and query of the only server, without retries and redirects. Returns the answer's head; the
        caller reads its body and closes it. `timeouts_s`: of connecting, and of each read.

        By the pool itself: what requests adds to it serves redirects, cookies and proxies, which no call has.
        """
        connect_s, read_s = timeouts_s
        return self._pool_of(address).urlopen(
            "POST",
            target,
            body=body,
            headers=headers,
            retries=_NEVER,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=connect_s, read=read_s),
        )

    def _pool_of(self, address: PreparedRequest) -> HTTPConnectionPool:
        if self._pool is None:
            pool = cast(HTTPConnectionPool, self.get_connection_with_tls_context(address, self._verify, proxies={}))
            self.cert_verify(pool, address.url, self._verify, None)  # type: ignore[no-untyped-call]
            self._pool = pool
        return self._pool
