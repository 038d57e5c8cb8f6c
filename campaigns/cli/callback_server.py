"""The HTTP server of `campaigns callbacks`: waitress, with bounds on what one client may hold and for how long.

The address of a callback is the sign that a request arrived, so a callback is recorded as soon as its head is complete,
also if the client goes away in the middle of the body, is too slow, or sends more than is read.

What waitress 3 does by itself, and why it is changed here: it stops accepting at 100 connections, and accepts one
per round; its `channel_timeout` counts from the last byte, so a byte a second holds a connection for ever, and by a
clock that may be set back; it drops a request whose client went away; it never answers a request without a body that
expects `100 Continue`; `int()` raises ValueError for a `Content-Length` of more than 4,300 digits, which it does not
answer; it keeps whole bodies and unfinished chunk lines of any length; it logs addresses; `select` takes 1,024.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import Any, Final

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.utilities import InternalServerError

from campaigns.callbacks import LONGEST, SEARCHED

log = logging.getLogger(__name__)

#: Connections at once; one more closes the oldest. Fewer where the process may open few files.
CONNECTIONS: Final = 400
#: Seconds from the accepting of a connection to the end of its request.
REQUEST_S: Final = 10.0
#: Seconds for clients in the middle of a request once the receiver has to end, and then for the answers.
_GRACE_S: Final = 1.0
_LAST_S: Final = 10.0
#: Descriptors that are not a client's: the store's connections, standard streams, what Python opens.
_OTHER_FILES: Final = 64
#: Connections that are accepted before others are read again.
_ACCEPTED_AT_ONCE: Final = 50
#: Bytes of a request's line and headers together, and of a line between two chunks of a body.
_LONGEST_HEAD: Final = 16_384
#: Bytes of a body that are kept in memory; more goes into a temporary file.
_IN_MEMORY: Final = 65_536

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Beginning(OverflowableBuffer):  # type: ignore[misc]  # waitress has no types
    """Keeps the first bytes of a body, as many as are searched for a uuid."""

    def append(self, data: bytes) -> None:
        room = SEARCHED - len(self)
        if room > 0:
            super().append(data[:room])


class Request(HTTPRequestParser):  # type: ignore[misc]
    """A request that is being read. Of its body, only what is searched for a uuid is kept."""

    error: Any
    #: Whether it was noted although it is incomplete.
    noted = False

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            # Of thousands of digits in Content-Length, or of an address such as `http://[`.
            raise ParsingError("a number or an address in the head cannot be read") from error
        # One request per connection: its age is that of the connection. A 204 ends the connection anyway.
        self.headers["CONNECTION"] = "close"
        if self.body_rcv is None:
            # waitress would wait for a body after its `100 Continue`.
            self.expect_continue = False
        else:
            self.body_rcv.buf = _Beginning(_IN_MEMORY)

    def received(self, data: bytes) -> int:
        """Read on. Once the head is understood, a body that is too long or malformed ends without an error."""
        consumed = int(super().received(data))
        if self.body_rcv is not None and self.error is not None:
            self.error = None
            # waitress refuses by Content-Length before it has read any of the body, which may begin with the uuid.
            self.completed = self.body_bytes_received > 0
        if self.chunked and max(len(self.body_rcv.control_line), len(self.body_rcv.trailer)) > _LONGEST_HEAD:
            self.completed = True
        return consumed

    @property
    def cut(self) -> bool:
        """Whether the head is complete, and the body is not."""
        return self.body_rcv is not None and not self.completed


class Connection(HTTPChannel):  # type: ignore[misc]
    """A connection of a client, which brings one request."""

    parser_class = Request
    request: Request | None
    requests: list[Request]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.accepted_s = time.monotonic()
        super().__init__(*arguments, **options)

    def end(self) -> None:
        """Answer now if the head is complete, with the body that is there; otherwise close."""
        with self.requests_lock:
            if self.requests:
                return
            request, self.request = self.request, None
            if request is None or not request.cut:
                self.will_close = True
                return
            request.completed = True
            self._note(request)

    def give_way(self) -> bool:
        """Close for another connection's sake, unless the request is complete: then it is answered in a moment."""
        if not self.requests and not self.close_when_flushed:
            # What has arrived may be all of it.
            wasyncore.read(self)
        # In this order: a thread that has answered says so before it empties `requests`.
        unread = not self.requests
        if self.close_when_flushed:
            wasyncore.write(self)
        elif unread and self.connected:
            self.handle_close()
        return not self.connected

    def handle_close(self) -> None:
        """The connection ends, by which side does not matter."""
        request = self.request
        super().handle_close()
        # It stays in its place, because waitress may be in the middle of reading it, with its lock held.
        if request is not None and request.cut and not request.noted and not self.requests:
            self._note(request)

    def _note(self, request: Request) -> None:
        request.noted = True
        self.requests.append(request)
        self.server.add_task(self)

    def service(self) -> None:
        """Called in a thread of waitress's: give the application the request, also if its client is gone, and close.

        No log names the address, which is signed.
        """
        request = self.requests[0]
        task = (self.error_task_class if request.error else self.task_class)(self, request)
        try:
            task.service()
        except ClientDisconnected:
            log.debug("client_gone")
        except Exception:
            log.exception("callback_not_handled")
            request.error = InternalServerError("The callback could not be handled.")
            with suppress(ClientDisconnected):
                if not task.wrote_header:
                    self.error_task_class(self, request).service()
        with self.requests_lock:
            self.close_when_flushed = True
            for request in self.requests:
                request.close()
            self.requests = []
        if self.connected:
            self.server.pull_trigger()


class Receiver(TcpWSGIServer):  # type: ignore[misc]
    """Serves `application` at one address of `host`, an IPv4 address if it has one, until `stop`.

    Raises OSError if it cannot listen there, and ValueError if `host` has no address.
    """

    channel_class = Connection

    def __init__(
        self,
        application: WsgiApplication,
        host: str,
        port: int,
        *,
        connections: int = CONNECTIONS,
        request_s: float = REQUEST_S,
    ) -> None:
        self._connections = min(connections, _affordable())
        self._request_s = request_s
        self._called = self._stopping = False
        #: Called in its loop, at least once a second.
        self.turned: Callable[[], None] = lambda: None
        settings = Adjustments(
            host=host,
            port=port,
            threads=4,
            # Never reached: the oldest is closed before.
            connection_limit=CONNECTIONS + _OTHER_FILES,
            max_request_header_size=_LONGEST_HEAD,
            max_request_body_size=LONGEST,
            inbuf_overflow=_IN_MEMORY,
            log_socket_errors=False,
            ident="",
            clear_untrusted_proxy_headers=True,
        )
        address = min(settings.listen, key=lambda address: bool(address[0] != socket.AF_INET))
        super().__init__(application, adj=settings, sockinfo=address)

    def run(self) -> None:
        """Serve until `stop`. Every callback whose head is complete by then is recorded and answered first."""
        while not self._stopping:
            self._turn()
        for _ in range(0, CONNECTIONS, _ACCEPTED_AT_ONCE):
            self._accept()
        wasyncore.dispatcher.close(self)
        self._turn_for(_GRACE_S)
        for connection in list(self.active_channels.values()):
            connection.end()
        self._turn_for(_LAST_S)
        self.task_dispatcher.shutdown()

    def stop(self) -> None:
        """Let `run` end, and accept no further client. For signal handlers and other threads."""
        self._stopping = True
        self.pull_trigger()

    def _turn_for(self, most_s: float) -> None:
        """Go on with those who are connected, as long as there are any."""
        end_s = time.monotonic() + most_s
        while (self.active_channels or self.task_dispatcher.queue) and time.monotonic() < end_s:
            self._turn()

    def _turn(self) -> None:
        wasyncore.loop(timeout=0.5, use_poll=True, map=self._map, count=1)

    def readable(self) -> bool:
        """Called before each wait: ends the requests that took too long, and accepts those who wait."""
        try:
            self.turned()
            self._end_late()
            if self._called:
                self._called = False
                self._accept()
        except Exception:
            log.exception("connection_not_accepted")
        return bool(super().readable()) and not self._full()

    def maintenance(self, _: float) -> None:
        """waitress ends idle connections by the wall clock here, which may be set back. `_end_late` does it instead."""

    def handle_accept(self) -> None:
        """A client waits to be accepted, once the events of this round are handled.

        Accepted earlier, it could get the number of a closed socket, and its events.
        """
        self._called = True

    def _end_late(self) -> None:
        """End the connections whose request began too long ago, however lately its last byte came."""
        latest_s = time.monotonic() - self._request_s
        for connection in list(self.active_channels.values()):
            if connection.accepted_s > latest_s:
                break
            connection.end()

    def _accept(self) -> None:
        """Accept clients. Where no place is left, the oldest connection is closed, so that none waits for others."""
        for _ in range(_ACCEPTED_AT_ONCE):
            if len(self.active_channels) >= self._connections and not self._close_oldest():
                break
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                break
        # The wait that comes does not know them yet: it ends at once.
        self.pull_trigger()

    def _full(self) -> bool:
        """Whether all are being answered, so that none can give way. An answer ends the wait."""
        connections = self.active_channels.values()
        return len(connections) >= self._connections and all(connection.requests for connection in connections)

    def handle_error(self) -> None:
        """Whatever went wrong with one client, go on accepting; waitress would stop."""
        log.exception("connection_not_accepted")

    def _close_oldest(self) -> bool:
        # They stand in the order in which they were accepted.
        return any(connection.give_way() for connection in self.active_channels.values())


def _affordable() -> int:
    """How many connections the process may have: each takes a socket and, for a large body, a file."""
    files, _ = getrlimit(RLIMIT_NOFILE)
    return CONNECTIONS if files == RLIM_INFINITY else max((files - _OTHER_FILES) // 2, 8)
