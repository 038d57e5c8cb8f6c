"""Connections that know whether a byte was written, and that keep a deadline.

urllib3's exceptions do not say whether a byte was written: its ConnectionError and SSLError each cover failures before
and after the first byte, and it ignores a broken pipe while it writes. So the connection connects first (name look-up,
TCP, TLS) and then notes the first write itself.
"""

from __future__ import annotations

import errno
from contextlib import closing
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse, HTTPResponse
from urllib3.util import Retry, Timeout

from campaigns.gateway.exchange import DeadlineSocket, current
from campaigns.gateway.heads import WholeResponse
from campaigns.gateway.plain_answers import RawAnswer

#: As requests has it.
_NEVER: Final = Retry(0, read=False)
#: A server may answer before it has read all, and hang up. As urllib3, we read what it said.
_ANSWERED_BEFORE: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})
_PORTS: Final = {"http": 80, "https": 443}
_MOST_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024


class _Noting:
    """Mixed into urllib3's connections."""

    sock: Any
    timeout: Any
    response_class: Any = WholeResponse

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


class _PlainConnection(_Noting, HTTPConnection):
    pass


class _TlsConnection(_Noting, HTTPSConnection):
    pass


class _Pool:
    """Mixed into urllib3's pools."""

    def fresh(self) -> Any:
        """A connection that serves one request: one that idled may be dead, and only a write would show it."""
        return self._new_conn()  # type: ignore[attr-defined]  # of the pool that this is mixed into


class _PlainPool(_Pool, HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class NotingAdapter(HTTPAdapter):
    """Posts over noting connections to the only server, with requests' rules for certificates.

    `verify`: whether certificates are checked, or a file of those that are trusted. Without retries, redirects and
    proxies from the environment, which urllib3 or requests would add.
    """

    def __init__(self, verify: bool | str) -> None:
        self._verify = verify
        self._pool: Any = None
        super().__init__(pool_maxsize=16, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def post(
        self,
        address: PreparedRequest,
        target: str,
        headers: dict[str, str],
        body: bytes,
        timeouts_s: tuple[float, float],
    ) -> RawAnswer:
        """Post to a path and query over a connection that is kept for others. `timeouts_s`: of connecting, and of each
        read."""
        connect_s, read_s = timeouts_s
        response = self._pool_of(address).urlopen(
            "POST",
            target,
            body=body or None,
            headers=headers,
            retries=_NEVER,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=connect_s, read=read_s),
        )
        return _whole(response)

    def post_alone(self, address: PreparedRequest, target: str, headers: dict[str, str], body: bytes) -> RawAnswer:
        """Post to a path and query over a connection of its own.

        urllib3 connects. Neither the request nor a plain answer takes the way of connections that are shared, which
        would double the processor time of a request.
        """
        connection = self._pool_of(address).fresh()
        with closing(connection):
            connection.connect()
            head = _head_of(address, target, headers)
            try:
                connection.sock.send_request(head, body)
            except OSError as error:
                if error.errno not in _ANSWERED_BEFORE:
                    raise
            return connection.sock.read_plain() or read_by_urllib3(connection.sock)

    def _pool_of(self, address: PreparedRequest) -> Any:
        if self._pool is None:
            pool = self.get_connection_with_tls_context(address, self._verify, proxies={})
            self.cert_verify(pool, address.url, self._verify, None)  # type: ignore[no-untyped-call]
            self._pool = pool
        return self._pool


def _head_of(address: PreparedRequest, target: str, headers: dict[str, str]) -> bytes:
    """The head of a request, with the headers that http.client adds."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"POST {target} HTTP/1.1\r\nHost: {_host_of(str(address.url))}\r\nAccept-Encoding: identity\r\n{lines}\r\n"
    return head.encode("ascii")


@lru_cache
def _host_of(url: str) -> str:
    """The header Host: without a port that goes without saying."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host.removesuffix(f":{_PORTS[parts.scheme]}")


def _whole(response: BaseHTTPResponse) -> RawAnswer:
    """The answer with its body, which is read here."""
    body = bytearray()
    with closing(response):
        for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > _MOST_BYTES:
                raise ValueError("the answer is too large")
    return RawAnswer(response.status, response.headers, bytes(body))


def read_by_urllib3(sock: DeadlineSocket) -> RawAnswer:
    """What urllib3 makes of any answer. Raises what it and http.client raise."""
    whole = WholeResponse(cast(Any, sock), method="POST")
    try:
        whole.begin()
    except BaseException:
        whole.close()
        raise
    response = HTTPResponse(
        body=whole,
        headers=HTTPHeaderDict(whole.headers.items()),
        status=whole.status,
        preload_content=False,
        decode_content=False,
        original_response=whole,
        request_method="POST",
    )
    return _whole(response)
