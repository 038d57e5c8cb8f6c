"""One request under way: its deadline, its first byte, and a socket that keeps to both."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from campaigns.gateway.plain_answers import NotPlainError, RawAnswer, plain_answer
from campaigns.gateway.sealing import Seal

_PIECE_BYTES: Final = 65_536


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

    def sealed_whole(self, head: bytes, body: bytes) -> memoryview:
        """The head and the body together as they go on the wire. Raises ValueError as `sealed` does."""
        return memoryview(b"".join((self.sealed(head), self.sealed(body))))


class _Current(threading.local):
    exchange: Exchange


#: The exchange of this thread; a connection may serve many, one after the other.
current = _Current()


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket, each time with what is left of the deadline. `read` has been read from it before."""

    def __init__(self, raw: Any, sock: socket.socket, read: bytes) -> None:
        self._raw = raw
        self._sock = sock
        self._read = memoryview(read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._read:
            count = min(len(buffer), len(self._read))
            buffer[:count], self._read = self._read[:count], self._read[count:]
            return count
        self._sock.settimeout(current.exchange.left_s())
        some: int | None = self._raw.readinto(buffer)
        return some

    def close(self) -> None:
        self._raw.close()
        super().close()


class DeadlineSocket:
    """A socket whose every operation gets what is left of the deadline, and no more.

    A timeout per operation would not be a deadline: a server that sends a byte a second would never reach it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._read = b""

    def sendall(self, data: Any) -> None:
        self._send_all(current.exchange.sealed(data))

    def send_request(self, head: bytes, body: bytes) -> None:
        """A whole request in as few pieces as the socket takes, so that a small one is one packet."""
        exchange = current.exchange
        request = exchange.sealed_whole(head, body)
        exchange.before_write()
        self._send_all(request)

    def _send_all(self, view: memoryview) -> None:
        while view:
            self._sock.settimeout(current.exchange.left_s())
            view = view[self._sock.send(view) :]

    def read_plain(self) -> RawAnswer | None:
        """The answer if it is plain. None if it is not: `makefile` reads it then, from its first byte."""
        read = b""
        while True:
            self._sock.settimeout(current.exchange.left_s())
            piece = self._sock.recv(_PIECE_BYTES)
            read += piece
            try:
                answer = plain_answer(read)
            except NotPlainError:
                break
            if answer is not None:
                return answer
            if not piece:
                break
        self._read = read
        return None

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        # The socket counts its files: http.client closes it before the answer is read.
        return io.BufferedReader(_DeadlineReader(self._sock.makefile("rb", buffering=0), self._sock, self._read))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
