"""A receiver of callbacks on a real socket, in a thread of the test."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from campaigns.callbacks import Callbacks
from campaigns.cli.callback_server import Receiver
from campaigns.flow.tracking.callbacks import callback_url
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

BASE = "http://127.0.0.1:9/viber"
UUID = "11111111-2222-4333-8444-555555555555"
NAMED = f'{{"uuid": "{UUID}", '.encode()
#: Far more than any of this takes, on a machine that is busy.
PATIENCE_S = 10.0


class Running:
    """A receiver in a thread, and one request of a campaign that it is called back about."""

    def __init__(self, stage: Stage, **limits: Any) -> None:
        self._stage = stage
        self._campaign = stage.enqueue(bulk_job(phones(2)))
        url = callback_url(stage.services, stage.services.batches.read(f"{self._campaign.id}-0"), None)
        assert url is not None
        self.path = urlsplit(url).path
        self.handled: queue.Queue[str] = queue.Queue()
        self._take = Callbacks(lambda: stage.services)
        self.receiver = Receiver(self._application, "127.0.0.1", 0, **limits)
        self._thread = threading.Thread(target=self.receiver.run, daemon=True)
        self._thread.start()

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = self._take(environ, start_response)
        self.handled.put(environ["PATH_INFO"])
        return body

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", int(self.receiver.effective_port)), timeout=PATIENCE_S)

    def head(self, *headers: str) -> bytes:
        return "\r\n".join([f"POST {self.path} HTTP/1.1", "Host: h", *headers, "", ""]).encode()

    def ask(self, request: bytes) -> int:
        """The status code of the answer."""
        with self.connect() as client:
            client.sendall(request)
            return code(client)

    def noted(self) -> Any:
        """The batch after one request was given to the application."""
        assert self.handled.get(timeout=PATIENCE_S) == self.path
        fields = self._stage.services.batches.read(f"{self._campaign.id}-0").fields
        assert "callback_ms" in fields
        return fields

    def proper(self) -> int:
        return self.ask(self.head("Content-Length: 2") + b"{}")

    def end(self) -> None:
        self.receiver.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self.receiver.close()


def code(client: socket.socket) -> int:
    with client.makefile("rb") as answer:
        return int(answer.readline().split()[1])


#: Starts a receiver with limits of its own.
StartReceiver = Callable[..., Running]
