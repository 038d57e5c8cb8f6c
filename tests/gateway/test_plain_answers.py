"""Plain answers mean what Python's client takes them for; what is not plain is left to it."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.gateway.connection import read_by_urllib3
from campaigns.gateway.exchange import DeadlineSocket, Exchange, current
from campaigns.gateway.plain_answers import NotPlainError, RawAnswer, plain_answer
from campaigns.gateway.sealing import in_form
from campaigns.settings import Secret

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def by_urllib3(data: bytes) -> RawAnswer:
    """What Python's client takes these bytes for. The connection is not closed behind them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        current.exchange = Exchange(
            until_s=2.0,
            connect_timeout_s=1.0,
            clock=lambda: 1.0,
            may_write=lambda: True,
            seal=in_form(Secret("t")),
        )
        return read_by_urllib3(DeadlineSocket(ours))


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (HEAD + b"Content-Length: 2\r\n\r\n{}", b"{}"),
        (HEAD + b"content-length:2\r\n\r\n{}", b"{}"),
        (HEAD + b"Content-Length: 0\r\n\r\n", b""),
        (HEAD + b"Content-Length: 2\r\n\r\n{}surplus", b"{}"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(b"{", b"}"), b"{}"),
        (HEAD + b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 429\r\nRetry-After:  7 \r\nDate: now\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    ],
)
def test_a_plain_answer_is_read_as_soon_as_it_is_whole(data: bytes, body: bytes) -> None:
    found = plain_answer(data)
    assert found is not None
    assert found.body == body
    for end in range(len(data.removesuffix(b"surplus"))):
        assert plain_answer(data[:end]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\n{}",
        b"ICY 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"\r\n{}",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
        HEAD + b"Content-Length: 2, 2\r\n\r\n{}",
        HEAD + b"Content-Length: +2\r\n\r\n{}",
        HEAD + b"Content-Length: 9999999\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks(b"{}"),
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"an odd line\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"X-A : 1\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"X-A: 1\r\n folded\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"X-A: 1\nX-B: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"X-A: 1\rX-B: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"X-A: \xd0\xb4\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        HEAD + b"Content-Length: 2\r\n\r\n" + b"{" * 70_000,
    ],
)
def test_what_leaves_room_for_interpretation_is_not_plain(data: bytes) -> None:
    with pytest.raises(NotPlainError):
        plain_answer(data)


def spoilt(data: bytes, at: int, piece: bytes) -> bytes:
    at %= len(data)
    return data[:at] + piece + data[at:]


ODD_PIECES = st.sampled_from(
    [
        b"",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"0",
        b"f",
        b":",
        b"\x00",
        b"\xff",
        b"Content-Length: 1\r\n",
        b"\r\n\r\n",
        b"0\r\n\r\n",
    ]
)


@given(
    st.sampled_from([b"200 OK", b"200", b"201 Created", b"400 Bad Request", b"429 x", b"503 ", b"304 x", b"206 y"]),
    st.lists(st.sampled_from([b"Date: d", b"Retry-After: 3", b"X: y", b"Connection: close", b"Set-Cookie: z"])),
    st.lists(st.binary(max_size=20)),
    st.booleans(),
    st.integers(min_value=0),
    ODD_PIECES,
)
def test_python_reads_a_plain_answer_in_the_same_way(
    status: bytes, headers: list[bytes], pieces: list[bytes], in_chunks: bool, at: int, odd: bytes
) -> None:
    """Whole answers, and such into which something was put. Whatever is taken for plain, Python reads likewise."""
    body = b"".join(pieces)
    framing = b"Transfer-Encoding: chunked" if in_chunks else b"Content-Length: %d" % len(body)
    payload = chunks(*[piece for piece in pieces if piece]) if in_chunks else body
    whole = b"\r\n".join([b"HTTP/1.1 " + status, *headers, framing, b"", payload])
    data = spoilt(whole, at, odd)
    try:
        found = plain_answer(data)
    except NotPlainError:
        return
    if found is not None:
        by_python = by_urllib3(data)
        assert (found.status, found.body) == (by_python.status, by_python.body)
        for name in ("retry-after", "date"):
            assert found.headers.get(name) == by_python.headers.get(name)
