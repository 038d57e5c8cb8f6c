"""What the receiver's HTTP server reads: bodies of any size and form are noted, heads that cannot be read are refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from waitress.adjustments import Adjustments

from campaigns.callbacks import LONGEST, SEARCHED
from campaigns.cli.callback_server import Request
from tests.support.receivers import BASE, NAMED, UUID, Running, StartReceiver
from tests.support.stage import Stage


def chunked(body: bytes, size: int) -> bytes:
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def failing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    raise RuntimeError("of no store")


class TestBodies:
    """Of any size and form."""

    def test_all_are_noted_with_their_uuid(self, start_receiver: StartReceiver) -> None:
        running = start_receiver()
        large = json.dumps({"uuid": UUID, "rows": ["375291234567"] * 7000}).encode()
        huge = json.dumps({"uuid": UUID, "rows": ["375291234567"] * 200_000}).encode()
        form = "&".join([*(f"f{number}=x" for number in range(100)), f"uuid={UUID}"]).encode()
        for body in (large, huge, form):
            assert running.ask(running.head(f"Content-Length: {len(body)}") + body) == 204
            assert running.noted()["callback_uuid"] == UUID
            assert running.ask(running.head("Transfer-Encoding: chunked") + chunked(body, 5000)) == 204
            assert running.noted()["callback_uuid"] == UUID

    @pytest.mark.parametrize("length", ["Content-Length: 0", "X: no length"])
    def test_no_body_is_waited_for_where_there_is_none(self, start_receiver: StartReceiver, length: str) -> None:
        running = start_receiver()
        assert running.ask(running.head("Expect: 100-continue", length)) == 204
        running.noted()

    def test_a_second_request_behind_the_first_is_left_alone(self, start_receiver: StartReceiver) -> None:
        running = start_receiver()
        assert running.ask(running.head("Content-Length: 2") + b"{}" + b"\x00\xff GARBAGE\r\n\r\n" * 50) == 204
        running.noted()
        assert running.proper() == 204

    @pytest.mark.parametrize("length", [str(LONGEST), "9" * 4000], ids=["at the bound", "of 4,000 digits"])
    def test_one_that_promises_too_much_is_noted(self, start_receiver: StartReceiver, length: str) -> None:
        running = start_receiver()
        with running.connect() as client:
            client.sendall(running.head(f"Content-Length: {length}") + NAMED)
        assert running.noted()["callback_uuid"] == UUID

    @pytest.mark.parametrize("garbage", [b"zz\r\n", b"2\r\n{}}\r\n", b"1;=\r\n", b"f" * 20_000])
    def test_chunks_that_cannot_be_read_are_noted(self, start_receiver: StartReceiver, garbage: bytes) -> None:
        running = start_receiver()
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
    def test_headers(self, start_receiver: StartReceiver, line: str, status: int) -> None:
        running = start_receiver()
        # Nothing may be left unread when the server closes: the answer would be lost with the connection.
        assert running.ask(running.head(line)[: 16_384 if status == 431 else None]) == status
        assert running.handled.empty()
        assert running.proper() == 204

    def test_an_address_that_cannot_be_read(self, start_receiver: StartReceiver) -> None:
        running = start_receiver()
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

    def test_no_such_address(self, start_receiver: StartReceiver) -> None:
        assert start_receiver().ask(b"POST /viber/ HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}") == 404
