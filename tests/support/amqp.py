"""A small RabbitMQ for tests: it speaks AMQP 0-9-1 as far as a producer does, and keeps what is published."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from typing import Any, Self

from amqp.serialization import dumps


def _method(channel: int, name: tuple[int, int], formats: str = "", *values: Any) -> bytes:
    payload = struct.pack(">HH", *name) + (dumps(formats, values) if formats else b"")
    return struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce"


class Broker:
    """Listens on a free port of loopback. Refuses another password than `guest` with 403, another vhost than `/` with 530."""

    def __init__(self) -> None:
        self.published: list[tuple[str, Any]] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()
        self._thread.join(5)

    def url(self, password: str = "guest", vhost: str = "/") -> str:
        return f"amqp://guest:{password}@127.0.0.1:{self.port}/{vhost}"

    def drop_connections(self) -> None:
        """As when the server is started anew."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            stream = connection.makefile("rb")
            stream.read(8)
            connection.sendall(
                _method(
                    0,
                    (10, 10),
                    "ooFSS",
                    0,
                    9,
                    {
                        "product": "RabbitMQ",
                        "capabilities": {"authentication_failure_close": True, "publisher_confirms": True},
                    },
                    "PLAIN",
                    "en_US",
                )
            )
            _Conversation(self, connection).follow(stream)
        except (OSError, struct.error):
            pass
        finally:
            connection.close()


class _Conversation:
    def __init__(self, broker: Broker, connection: socket.socket) -> None:
        self._broker = broker
        self._connection = connection
        self._tag = 0
        self._message: dict[str, Any] = {}

    def follow(self, stream: Any) -> None:
        while True:
            kind, channel, size = struct.unpack(">BHI", stream.read(7))
            payload = stream.read(size + 1)[:-1]
            if kind == 1:
                self._answer(channel, struct.unpack(">HH", payload[:4]), payload[4:])
            elif kind == 2:
                self._message["size"] = struct.unpack(">Q", payload[4:12])[0]
                self._message["header"] = payload
            elif kind == 3:
                self._take(channel, payload)

    def _answer(self, channel: int, name: tuple[int, ...], arguments: bytes) -> None:
        send, closed = self._connection.sendall, (10, 50)
        if name == (10, 11):
            right = b"\x00guest\x00guest" in arguments
            send(
                _method(0, (10, 30), "BlB", 100, 131072, 0)
                if right
                else _method(0, closed, "BsBB", 403, "ACCESS_REFUSED", 10, 11)
            )
        elif name == (10, 40):
            vhost = arguments[1 : 1 + arguments[0]]
            send(
                _method(0, (10, 41), "s", "")
                if vhost == b"/"
                else _method(0, closed, "BsBB", 530, "NOT_ALLOWED", 10, 40)
            )
        elif name == (20, 10):
            send(_method(channel, (20, 11), "S", ""))
        elif name == (85, 10):
            send(_method(channel, (85, 11)))
        elif name == (50, 10):
            send(_method(channel, (50, 11), "sll", arguments[3 : 3 + arguments[2]].decode(), 0, 0))
        elif name == (60, 40):
            exchange_end = 3 + arguments[2]
            key = arguments[exchange_end + 1 : exchange_end + 1 + arguments[exchange_end]]
            self._message = {"key": key.decode(), "exchange": arguments[3:exchange_end].decode()}
        elif name in {(20, 40), closed}:
            send(_method(channel, (name[0], name[1] + 1)))

    def _take(self, channel: int, body: bytes) -> None:
        self._tag += 1
        self._broker.published.append((self._message["key"], json.loads(body)))
        self._connection.sendall(_method(channel, (60, 80), "Lb", self._tag, False))
