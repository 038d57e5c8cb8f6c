"""The rule of the first byte, seen from the wire: what counts as not written, and what as doubt."""

from __future__ import annotations

import io
import logging
import os
import socket
import ssl
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from campaigns.errors import GatewayError, NotSentError, OutcomeUnknownError
from campaigns.gateway import calls
from campaigns.gateway.transport import Transport
from campaigns.settings import Secret
from tests.gateway.wire import Wire, answering, read_whole, reset, sending, serving, silence

TOKEN = Secret("tok-3f9a77c1")
PHONE = "375291111111"
OK = b'{"uuid": "u-1", "success": "OK"}'
PAID = calls.send_bulk_viber(b'[{"delivery_list": ["375291111111"]}]', None)
FREE = calls.status_bulk_viber("u-1")


def transport(url: str, deadline_s: float = 0.6, **more: object) -> Transport:
    return Transport(url, connect_timeout_s=0.4, deadline_s=deadline_s, **more)  # type: ignore[arg-type]


def failure(url: str, call: calls.Call = PAID, deadline_s: float = 0.6, **more: object) -> GatewayError:
    """The error of a call that must fail, within its deadline, without a trace of token, phone or address."""
    started = time.monotonic()
    with pytest.raises(GatewayError) as caught:
        transport(url, deadline_s, **more).send(call, TOKEN)
    assert time.monotonic() - started < deadline_s + 1.5
    assert_clean(caught.value)
    return caught.value


def assert_clean(error: BaseException) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None
    text = io.StringIO()
    traceback.print_exception(error, file=text)
    for secret in (TOKEN.reveal(), PHONE, "127.0.0.1", "uuid="):
        assert secret not in text.getvalue() + repr(error)


class TestNotWritten:
    """Failures before the first byte."""

    def test_refused(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        assert isinstance(failure(f"http://127.0.0.1:{port}"), NotSentError)

    def test_no_such_name(self) -> None:
        assert isinstance(failure("http://gateway.invalid", deadline_s=5), NotSentError)

    def test_connect_timeout(self) -> None:
        with ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            address = listener.getsockname()
            # Fill the queue of connections that no server accepts.
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(address)
            time.sleep(0.05)
            assert isinstance(failure(f"http://127.0.0.1:{address[1]}"), NotSentError)

    def test_tls_hangs(self) -> None:
        with serving(silence, read_request=False) as wire:
            assert isinstance(failure(f"https://127.0.0.1:{wire.port}"), NotSentError)

    def test_not_tls_at_all(self) -> None:
        with serving(sending(b"hello\r\n"), read_request=False) as wire:
            assert isinstance(failure(f"https://127.0.0.1:{wire.port}"), NotSentError)

    def test_a_certificate_that_nobody_vouches_for(self, over_tls: Wire) -> None:
        assert isinstance(failure(f"https://127.0.0.1:{over_tls.port}"), NotSentError)

    def test_guard_says_no(self) -> None:
        with serving(answering(OK)) as wire, pytest.raises(NotSentError) as caught:
            transport(wire.url).send(PAID, TOKEN, may_write=lambda: False)
        assert "guard" in caught.value.reason
        assert not any(request.startswith(b"POST") for request in wire.requests)

    def test_deadline_passed_while_connecting(self) -> None:
        """A process that was frozen between start and first byte sends nothing late."""
        now = [0.0]

        def clock() -> float:
            now[0] += 1
            return now[0]

        with serving(answering(OK)) as wire:
            assert isinstance(failure(wire.url, clock=clock), NotSentError)
        assert not any(request.startswith(b"POST") for request in wire.requests)


class TestDoubt:
    """Failures after the first byte."""

    @pytest.mark.parametrize(
        "behaviour",
        [
            pytest.param(reset, id="reset"),
            pytest.param(lambda *_: None, id="closed"),
            pytest.param(silence, id="silence"),
            pytest.param(sending(b"HTTP/1.1 200 OK\r\nConte"), id="cut headers"),
            pytest.param(sending(b"HTTP/1.1 200 OK\r\nServer: x\r\nodd line\r\n"), id="headers without an end"),
            pytest.param(
                sending(b"HTTP/1.1 200 OK\r\nodd\r\nContent-Length : 99\r\n\r\n" + OK), id="cut body after an odd line"
            ),
            pytest.param(sending(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), id="cut body"),
            pytest.param(sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"), id="cut chunk"),
            pytest.param(sending(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", then=silence), id="hanging body"),
            pytest.param(sending(*[b"H"] * 20, pause_s=0.1), id="a byte now and then"),
            pytest.param(
                sending(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", *[b"x"] * 20, pause_s=0.1), id="slow body"
            ),
            pytest.param(sending(b"\x00\xff garbage\r\n\r\n"), id="garbage"),
        ],
    )
    def test_after_the_request(self, behaviour: object) -> None:
        with serving(behaviour) as wire:  # type: ignore[arg-type]
            error = failure(wire.url)
        assert isinstance(error, OutcomeUnknownError)
        assert error.may_have_been_sent
        assert len(wire.requests) == wire.connections == 1

    def test_reset_while_writing(self) -> None:
        """urllib3 passes over a reset while it writes; it still counts as written."""
        large = calls.send_bulk_viber(b'["' + b"x" * 20_000_000 + b'"]', None)

        def reset_meanwhile(connection: socket.socket, request: bytes) -> None:
            connection.recv(1)
            reset(connection, request)

        with serving(reset_meanwhile, read_request=False) as wire:
            error = failure(wire.url, large)
        assert isinstance(error, OutcomeUnknownError)

    def test_server_that_reads_slowly(self) -> None:
        large = calls.send_bulk_viber(b'["' + b"x" * 20_000_000 + b'"]', None)
        with serving(lambda *_: time.sleep(1.2), read_request=False) as wire:
            assert isinstance(failure(wire.url, large), OutcomeUnknownError)


class TestAnswers:
    """What comes back whole."""

    def test_any_status_comes_back(self) -> None:
        for status in ("302 Found", "404 Not Found", "500 Oops"):
            with serving(answering(b"{}", status, "Location: http://127.0.0.1:1/\r\n")) as wire:
                answer = transport(wire.url).send(PAID, TOKEN)
            assert answer.http_status == int(status[:3])
            assert wire.connections == 1

    def test_echoed_token_is_masked(self) -> None:
        with serving(answering(b'{"error": "token tok-3f9a77c1 is bad"}')) as wire:
            answer = transport(wire.url).send(PAID, TOKEN)
        assert answer.body == b'{"error": "token *** is bad"}'

    def test_paid_calls_connect_afresh(self) -> None:
        with serving(answering(OK)) as wire:
            same = transport(wire.url)
            for _ in range(3):
                same.send(PAID, TOKEN)
        assert wire.connections == 3
        assert all(b"Connection: close" in request for request in wire.requests)

    def test_reads_keep_their_connection(self) -> None:
        body = b"[]"
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

        def twice(connection: socket.socket, _: bytes) -> None:
            connection.sendall(head + body)
            read_whole(connection)
            connection.sendall(head + body)

        with serving(twice) as wire:
            same = transport(wire.url)
            assert [same.send(FREE, TOKEN).body for _ in range(2)] == [body, body]
        assert wire.connections == 1

    def test_tls(self, over_tls: Wire, certificate: Path) -> None:
        trusting = transport(f"https://localhost:{over_tls.port}", 5, ca_file=str(certificate))
        assert trusting.send(PAID, TOKEN).body == OK

    def test_no_proxy_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(answering(OK)) as trap, serving(answering(OK)) as wire:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, trap.url)
            transport(wire.url).send(PAID, TOKEN)
            transport(wire.url).send(FREE, TOKEN)
        assert wire.connections == 2
        assert trap.connections == 0

    def test_nothing_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with serving(answering(OK)) as wire:
            transport(wire.url).send(PAID, TOKEN)
            transport(wire.url).send(FREE, TOKEN)
        assert b"token=" + TOKEN.reveal().encode() in wire.requests[1]
        assert TOKEN.reveal() not in caplog.text
        assert PHONE not in caplog.text

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_fork_connects_for_itself(self) -> None:
        with serving(answering(b"[]", headers="")) as wire:
            same = transport(wire.url)
            same.send(FREE, TOKEN)
            adapters = same._own_adapter
            pid, same._pid = same._pid, -1
            same.send(FREE, TOKEN)
            assert same._own_adapter is not adapters
            assert same._pid == pid


@pytest.fixture
def certificate() -> Path:
    """A self-signed certificate for localhost with its key, for tests alone; good for a hundred years."""
    return Path(__file__).parent / "localhost.pem"


@pytest.fixture
def over_tls(certificate: Path) -> Iterator[Wire]:
    """A server that answers OK over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(answering(OK), tls=context) as wire:
        yield wire


@pytest.mark.parametrize(
    "line",
    [
        b"a line without a colon",
        b"X-A : b",
        b"X A: b",
        b": nothing",
        b"From me",
        b" continued",
        b"Set-Cookie\r\n and more",
        "Сервер: да".encode(),
        b"\x00: x",
        b"   ",
    ],
)
@pytest.mark.parametrize("call", [PAID, FREE], ids=["paid", "free"])
def test_an_odd_header_line_costs_only_itself(line: bytes, call: calls.Call) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\n"
        + line
        + b"\r\nContent-Length: %d\r\nRetry-After : 7\r\nX-Last: 1\r\n" % len(OK)
        + line
        + b"\r\n\r\n"
    )
    # The connection stays open: without the length the answer would have no end.
    with serving(sending(head + OK, then=silence)) as wire:
        answer = transport(wire.url).send(call, TOKEN)
    assert (answer.raw, answer.retry_after) == (OK, "7")


def test_headers_after_an_interim_answer_are_read() -> None:
    interim = b"HTTP/1.1 100 Continue\r\nodd line\r\n\r\n"
    with serving(
        sending(interim + b"HTTP/1.1 200 OK\r\nodd line\r\nContent-Length: %d\r\n\r\n" % len(OK) + OK, then=silence)
    ) as wire:
        assert transport(wire.url).send(PAID, TOKEN).raw == OK
