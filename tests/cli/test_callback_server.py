"""The receiver's HTTP server over real sockets: no client holds it up, and one that completed a head has called back."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.receivers import NAMED, PATIENCE_S, UUID, Running, StartReceiver, code


def gone(client: socket.socket) -> bool:
    """Whether the server closed the connection without an answer."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


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


class TestSlow:
    """Clients that take their time."""

    def test_others_are_answered_while_hundreds_are_slow(self, start_receiver: StartReceiver) -> None:
        running = start_receiver()
        with slow_clients(running, 200) as clients:
            for client in clients:
                client.sendall(b"0")
            begun = time.monotonic()
            assert running.proper() == 204
            assert time.monotonic() - begun < 5
        running.noted()

    def test_at_the_limit_the_oldest_goes_first(self, start_receiver: StartReceiver) -> None:
        running = start_receiver(connections=5, request_s=600)
        with slow_clients(running, 4) as clients:
            assert [running.proper() for _ in range(3)] == [204] * 3
            with slow_clients(running, 3):
                assert gone(clients[0])
                assert running.proper() == 204

    def test_crowds_that_say_nothing(self, start_receiver: StartReceiver) -> None:
        """More come before and after an honest client than there are places."""
        running = start_receiver(connections=20, request_s=600)
        with ExitStack() as stack:
            for _ in range(8):
                clients = [stack.enter_context(running.connect()) for _ in range(50)]
                with running.connect() as honest:
                    honest.sendall(running.head("Content-Length: 2") + b"{}")
                    clients += [stack.enter_context(running.connect()) for _ in range(50)]
                    assert code(honest) == 204
                for client in clients:
                    client.close()

    def test_one_that_goes_for_another_is_noted(self, start_receiver: StartReceiver) -> None:
        running = start_receiver(connections=2, request_s=600)
        with running.connect() as client:
            client.sendall(running.head("Content-Length: 1000") + NAMED)
            with slow_clients(running, 2):
                assert running.noted()["callback_uuid"] == UUID

    @pytest.mark.parametrize("beginning", [b"", b"POST /vi", b"\r\n\r\n"], ids=["nothing", "a head", "blank lines"])
    def test_a_head_must_be_complete_in_time(self, start_receiver: StartReceiver, beginning: bytes) -> None:
        """Bytes that arrive in between give no more time."""
        running = start_receiver(request_s=0.3)
        with running.connect() as client:
            client.sendall(beginning)
            drip(client)
            assert gone(client)
        assert running.handled.empty()

    def test_a_connection_that_says_nothing_is_closed(self, start_receiver: StartReceiver) -> None:
        with start_receiver(request_s=0.3).connect() as client:
            assert gone(client)

    @pytest.mark.parametrize("length", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
    def test_a_body_that_is_not_complete_in_time_is_noted_and_answered(
        self, start_receiver: StartReceiver, length: str
    ) -> None:
        running = start_receiver(request_s=0.3)
        with running.connect() as client:
            client.sendall(running.head(length) + b"f000\r\n" * length.startswith("T") + NAMED)
            drip(client)
            assert code(client) == 204
        assert running.noted()["callback_uuid"] == UUID


class TestCut:
    """Clients that go away."""

    @pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
    @pytest.mark.parametrize("length", ["2", "1000"], ids=["all sent", "in the body"])
    def test_the_sign_is_noted(self, start_receiver: StartReceiver, length: str, reset: bool) -> None:
        running = start_receiver()
        with running.connect() as client:
            client.sendall(running.head(f"Content-Length: {length}") + b"{}")
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        running.noted()

    def test_in_a_chunk(self, start_receiver: StartReceiver) -> None:
        running = start_receiver()
        with running.connect() as client:
            client.sendall(running.head("Transfer-Encoding: chunked") + b"ff\r\n" + NAMED)
        assert running.noted()["callback_uuid"] == UUID

    def test_in_the_head_there_is_no_sign(self, start_receiver: StartReceiver) -> None:
        running = start_receiver()
        with running.connect() as client:
            client.sendall(running.head("Content-Length: 2")[:-2])
        assert running.proper() == 204
        running.noted()
        assert running.handled.empty()
