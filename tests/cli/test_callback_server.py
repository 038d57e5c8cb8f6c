"""The receiver's HTTP server over real sockets: nobody holds it up, and a client that completed a head has called back."""

from __future__ import annotations

import json
import logging
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from waitress.adjustments import Adjustments

from campaigns.callbacks import LONGEST, SEARCHED, Callbacks
from campaigns.cli.callback_server import Receiver, Request
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


def gone(client: socket.socket) -> bool:
    """Whether the server closed the connection without an answer."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


@pytest.fixture
def run(make_stage: Callable[..., Stage]) -> Iterator[Callable[..., Running]]:
    with ExitStack() as stack:

        def start(**limits: Any) -> Running:
            running = Running(make_stage(callback_base_url=BASE), **limits)
            stack.callback(running.end)
            return running

        yield start


@contextmanager
def slow_clients(running: Running, number: int) -> Iterator[list[socket.socket]]:
    """So many clients that have begun a head, and do not complete it."""
    with ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(number)]
        for client in clients:
            client.sendall(b"POST /viber/")
        yield clients


def drip(client: socket.socket) -> None:
    """Send a byte, and another as long as nothing comes back. Returns when the server answered or closed."""
    until = time.monotonic() + PATIENCE_S
    client.settimeout(0.05)
    while time.monotonic() < until:
        try:
            client.sendall(b"x")
            client.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            continue
        except ConnectionError:
            pass
        client.settimeout(PATIENCE_S)
        return
    raise AssertionError("the server let a slow client go on")


def failing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    raise RuntimeError("of no store")


class TestSlow:
    """Clients that take their time."""

    def test_others_are_answered_while_hundreds_are_slow(self, run: Callable[..., Running]) -> None:
        running = run()
        with slow_clients(running, 200) as clients:
            for client in clients:
                client.sendall(b"0")
            begun = time.monotonic()
            assert running.proper() == 204
            assert time.monotonic() - begun < 5
        running.noted()

    def test_at_the_limit_the_oldest_goes_first(self, run: Callable[..., Running]) -> None:
        running = run(connections=5, request_s=600)
        with slow_clients(running, 4) as clients:
            assert [running.proper() for _ in range(3)] == [204] * 3
            with slow_clients(running, 3):
                assert gone(clients[0])
                assert running.proper() == 204

    def test_crowds_that_say_nothing(self, run: Callable[..., Running]) -> None:
        """More come before and after an honest client than there are places."""
        running = run(connections=20, request_s=600)
        with ExitStack() as stack:
            for _ in range(8):
                clients = [stack.enter_context(running.connect()) for _ in range(50)]
                with running.connect() as honest:
                    honest.sendall(running.head("Content-Length: 2") + b"{}")
                    clients += [stack.enter_context(running.connect()) for _ in range(50)]
                    assert code(honest) == 204
                for client in clients:
                    client.close()

    def test_one_that_goes_for_another_is_noted(self, run: Callable[..., Running]) -> None:
        running = run(connections=2, request_s=600)
        with running.connect() as client:
            client.sendall(running.head("Content-Length: 1000") + NAMED)
            with slow_clients(running, 2):
                assert running.noted()["callback_uuid"] == UUID

    @pytest.mark.parametrize("beginning", [b"", b"POST /vi", b"\r\n\r\n"], ids=["nothing", "a head", "blank lines"])
    def test_a_head_must_be_complete_in_time(self, run: Callable[..., Running], beginning: bytes) -> None:
        """Bytes that arrive in between give no more time."""
        running = run(request_s=0.3)
        with running.connect() as client:
            client.sendall(beginning)
            drip(client)
            assert gone(client)
        assert running.handled.empty()

    def test_a_connection_that_says_nothing_is_closed(self, run: Callable[..., Running]) -> None:
        with run(request_s=0.3).connect() as client:
            assert gone(client)

    @pytest.mark.parametrize("length", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
    def test_a_body_that_is_not_complete_in_time_is_noted_and_answered(
        self, run: Callable[..., Running], length: str
    ) -> None:
        running = run(request_s=0.3)
        with running.connect() as client:
            client.sendall(running.head(length) + b"f000\r\n" * length.startswith("T") + NAMED)
            drip(client)
            assert code(client) == 204
        assert running.noted()["callback_uuid"] == UUID


class TestCut:
    """Clients that go away."""

    @pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
    @pytest.mark.parametrize("length", ["2", "1000"], ids=["all sent", "in the body"])
    def test_the_sign_is_noted(self, run: Callable[..., Running], length: str, reset: bool) -> None:
        running = run()
        with running.connect() as client:
            client.sendall(running.head(f"Content-Length: {length}") + b"{}")
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        running.noted()

    def test_in_a_chunk(self, run: Callable[..., Running]) -> None:
        running = run()
        with running.connect() as client:
            client.sendall(running.head("Transfer-Encoding: chunked") + b"ff\r\n" + NAMED)
        assert running.noted()["callback_uuid"] == UUID

    def test_in_the_head_there_is_no_sign(self, run: Callable[..., Running]) -> None:
        running = run()
        with running.connect() as client:
            client.sendall(running.head("Content-Length: 2")[:-2])
        assert running.proper() == 204
        running.noted()
        assert running.handled.empty()


def chunked(body: bytes, size: int) -> bytes:
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


class TestBodies:
    """Of any size and form."""

    def test_all_are_noted_with_their_uuid(self, run: Callable[..., Running]) -> None:
        running = run()
        large = json.dumps({"uuid": UUID, "rows": ["375291234567"] * 7000}).encode()
        huge = json.dumps({"uuid": UUID, "rows": ["375291234567"] * 200_000}).encode()
        form = "&".join([*(f"f{number}=x" for number in range(100)), f"uuid={UUID}"]).encode()
        for body in (large, huge, form):
            assert running.ask(running.head(f"Content-Length: {len(body)}") + body) == 204
            assert running.noted()["callback_uuid"] == UUID
            assert running.ask(running.head("Transfer-Encoding: chunked") + chunked(body, 5000)) == 204
            assert running.noted()["callback_uuid"] == UUID

    @pytest.mark.parametrize("length", ["Content-Length: 0", "X: no length"])
    def test_no_body_is_waited_for_where_there_is_none(self, run: Callable[..., Running], length: str) -> None:
        running = run()
        assert running.ask(running.head("Expect: 100-continue", length)) == 204
        running.noted()

    def test_a_second_request_behind_the_first_is_left_alone(self, run: Callable[..., Running]) -> None:
        running = run()
        assert running.ask(running.head("Content-Length: 2") + b"{}" + b"\x00\xff GARBAGE\r\n\r\n" * 50) == 204
        running.noted()
        assert running.proper() == 204

    @pytest.mark.parametrize("length", [str(LONGEST), "9" * 4000], ids=["at the bound", "of 4,000 digits"])
    def test_one_that_promises_too_much_is_noted(self, run: Callable[..., Running], length: str) -> None:
        running = run()
        with running.connect() as client:
            client.sendall(running.head(f"Content-Length: {length}") + NAMED)
        assert running.noted()["callback_uuid"] == UUID

    @pytest.mark.parametrize("garbage", [b"zz\r\n", b"2\r\n{}}\r\n", b"1;=\r\n", b"f" * 20_000])
    def test_chunks_that_cannot_be_read_are_noted(self, run: Callable[..., Running], garbage: bytes) -> None:
        running = run()
        request = running.head("Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (len(NAMED), NAMED) + garbage
        with running.connect() as client:
            client.sendall(request)
            client.recv(1)
        assert running.noted()["callback_uuid"] == UUID

    def test_no_more_is_kept_than_is_searched(self) -> None:
        request = Request(Adjustments(max_request_body_size=LONGEST))
        body = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"x" * (2 * SEARCHED), 60_000)
        while body:
            body = body[request.received(body[:100_000]) :]
        assert request.completed
        assert request.headers["CONTENT_LENGTH"] == str(SEARCHED)
        assert request.get_body_stream().read() == b"x" * SEARCHED
        request.close()


class TestRefused:
    """Heads that cannot be read."""

    @pytest.mark.parametrize(
        ("line", "status"),
        [
            ("Content-Length: " + "9" * 5000, 400),
            ("Content-Length: many", 400),
            ("Content-Length: -1", 400),
            ("X-Long: " + "x" * 20_000, 431),
            ("X-Endless: " + "x" * 100_000, 431),
            ("Transfer-Encoding: gzip", 501),
        ],
        ids=["length of 5,000 digits", "no length", "negative", "long", "very long", "encoded"],
    )
    def test_headers(self, run: Callable[..., Running], line: str, status: int) -> None:
        running = run()
        # Nothing may be left unread when the server closes: the answer would be lost with the connection.
        assert running.ask(running.head(line)[: 16_384 if status == 431 else None]) == status
        assert running.handled.empty()
        assert running.proper() == 204

    def test_an_address_that_cannot_be_read(self, run: Callable[..., Running]) -> None:
        running = run()
        assert running.ask(b"POST http://[x/viber HTTP/1.1\r\n\r\n") == 400
        assert running.proper() == 204

    def test_no_log_names_the_address(self, make_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture) -> None:
        """Whether the application fails or the client leaves: an address is signed, and a body is about people."""
        caplog.set_level(logging.DEBUG)
        running = Running(make_stage(callback_base_url=BASE))
        try:
            running.receiver.application = failing
            assert running.ask(running.head("Content-Length: 12") + b"375291234567") == 500
        finally:
            running.end()
        assert "callback_not_handled" in caplog.text
        assert running.path not in caplog.text
        assert "375291234567" not in caplog.text

    def test_no_such_address(self, run: Callable[..., Running]) -> None:
        assert run().ask(b"POST /viber/ HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}") == 404
