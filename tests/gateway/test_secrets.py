"""The token is seen by the gateway alone, and no repr shows a phone or a text."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from campaigns.answers.values import DeliveryRow, IncomingMessage, MailingData
from campaigns.errors import GatewayError
from campaigns.events import Event
from campaigns.gateway import Gateway, Transport
from campaigns.gateway.calls import send_bulk_viber, send_quick_viber_message, status_bulk_viber
from campaigns.gateway.sealing import in_form, in_json, in_parts, in_query
from campaigns.jobs.values import BulkJob, ListJob, Mailing, QuickJob
from campaigns.ledger import Batch, Claim
from campaigns.planning.batching import PlannedBatch
from campaigns.results import Delivery, Reply
from campaigns.results.changes import Change
from campaigns.settings import Secret
from tests.gateway.wire import answering, reset, serving

CORE = "5d1e7a90c2b4"
TOKEN = f'tok/{CORE}+ü "='
PHONE, TEXT = "375291234567", "a very private text"
ROOT = Path(__file__).parents[2]


def spellings() -> set[str]:
    """The heart of the token as it is, and in base64 wherever it may begin there."""
    moved = (base64.b64encode(b"x" * shift + CORE.encode()).decode()[4:-4] for shift in range(3))
    return {CORE, *moved, base64.b64encode(TOKEN.encode()).decode()}


def watched(url: str) -> dict[str, Any]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CAMPAIGNS_", "SENTRY_", "OTEL_"))}
    result = subprocess.run(
        [sys.executable, "-m", "tests.support.watched_child"],
        input=json.dumps([url, TOKEN, PHONE, TEXT]),
        capture_output=True,
        text=True,
        env=env,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def moody() -> Callable[[socket.socket, bytes], None]:
    """The first of each two requests is refused with words that echo the token, the second broken off."""
    numbers = iter(range(1000))

    def behave(line: socket.socket, request: bytes) -> None:
        if next(numbers) % 2:
            reset(line)
        else:
            answering(json.dumps({"error": f"no such {TOKEN}"}).encode())(line, request)

    return behave


def test_crash_reporters_tracers_and_logs_never_see_the_token() -> None:
    """Sentry with its defaults, OpenTelemetry's instrumentations, debug logs, audit hooks, tracebacks with locals."""
    with serving(moody()) as wire:
        summary = watched(wire.url)
    assert summary["failures"] == 13
    assert summary["spans"] >= 12
    seen = "\n".join(summary["seen"])
    assert "statusBulkViber" in seen
    for spelling in spellings():
        assert spelling not in seen
    sent = b"\n".join(wire.requests)
    assert sent.count(quote_plus(TOKEN).encode()) >= 9
    assert TOKEN.encode() in sent
    assert json.dumps(TOKEN, ensure_ascii=False).encode() in sent


def test_locals_of_a_failed_payment_show_neither_phone_nor_text() -> None:
    with serving(reset) as wire:
        gateway = Gateway(Transport(wire.url, connect_timeout_s=2, deadline_s=2), Secret(TOKEN))
        for act in (
            lambda: gateway.send_bulk_viber(f'[{{"phone":"{PHONE}","text":"{TEXT}"}}]'.encode()),
            lambda: gateway.send_quick_viber_message({"phone": PHONE, "message": TEXT}),
            lambda: gateway.send_viber_message_list({"message": TEXT}),
        ):
            with pytest.raises(GatewayError) as caught:
                act()
            frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            # The frame of this test is the first; those of the project follow.
            frames.stack = traceback.StackSummary.from_list([f for f in frames.stack if f.filename != __file__])
            shown = "".join(frames.format())
            assert "client.py" in shown
            for private in (PHONE, TEXT, CORE):
                assert private not in shown


def test_an_interrupted_request_shows_nothing_either() -> None:
    """A worker that is stopped amid a request raises SystemExit, which is no Exception."""

    class StoppedError(BaseException):
        pass

    def stop() -> bool:
        raise StoppedError

    with serving(answering(b"{}")) as wire:
        transport = Transport(wire.url, connect_timeout_s=2, deadline_s=2)
        with pytest.raises(StoppedError) as caught:
            transport.send(send_quick_viber_message({"phone": PHONE}, None), Secret(TOKEN), may_write=stop)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert PHONE not in "".join(frames.format())


@pytest.mark.parametrize(
    ("seal", "data", "wanted"),
    [
        (in_query(Secret(TOKEN), first=True), b"POST /a HTTP/1.1\r\nX: y\r\n", f"?token={quote_plus(TOKEN)} HTTP/1.1"),
        (in_query(Secret(TOKEN), first=False), b"POST /a?b=c HTTP/1.1\r\n", f"?b=c&token={quote_plus(TOKEN)} HTTP"),
        (in_json(Secret(TOKEN)), b'{"token":"","token":"x"}', json.dumps({"token": TOKEN}, ensure_ascii=False)[11:-1]),
        (in_form(Secret(TOKEN)), b"token=&phone=1", f"token={quote_plus(TOKEN)}&phone=1"),
        (in_parts(Secret(TOKEN)), b'--b\r\n name="token"\r\n\r\n\r\n--b', f'name="token"\r\n\r\n{TOKEN}\r\n--b'),
    ],
)
def test_a_seal_puts_the_token_in_and_tells_how_long_it_is(seal: Any, data: bytes, wanted: str) -> None:
    sealed = seal.apply(data)
    assert wanted in bytes(sealed).decode()
    assert len(sealed) == len(data) + seal.extra
    assert CORE not in repr(seal) + repr(sealed)


def test_a_request_without_a_place_for_the_token_is_not_sent_without_it() -> None:
    with pytest.raises(ValueError, match="no place"):
        in_form(Secret(TOKEN)).apply(b"phone=1")


def mailing() -> Mailing:
    return Mailing("m", "444", "bulk", {"type": "text", "text": TEXT}, None, [PHONE])


ABOUT: dict[str, Any] = {
    "account": "default",
    "name": "n",
    "on_unknown": None,
    "max_recipients": None,
    "max_cost": None,
}
BATCH = Batch.read("b-0", {"state": "planned", "n": "1", "text": f"{TEXT} {PHONE}"})


@pytest.mark.parametrize(
    "value",
    [
        send_bulk_viber(f'["{PHONE} {TEXT}"]'.encode(), f"https://example.com/{CORE}"),
        send_quick_viber_message({"phone": PHONE, "message": TEXT}, None),
        status_bulk_viber(CORE),
        mailing(),
        BulkJob(**ABOUT, mailings=(mailing(),), callback_url=f"https://example.com/{CORE}"),
        QuickJob(**ABOUT, fields={"message": TEXT}, image=None, delivery_list=[PHONE]),
        ListJob(**ABOUT, fields={"message": TEXT}, image=None, schedule_ms=None),
        BATCH,
        Claim(BATCH, "f", 1, f"{PHONE} {TEXT}".encode()),
        PlannedBatch(1, (), f"{PHONE} {TEXT}".encode()),
        DeliveryRow(PHONE, "READ", 1, 0, None),
        IncomingMessage("1", PHONE, TEXT, ""),
        MailingData(1, "TEXT", TEXT, TEXT, TEXT, "", "SENT", "", "", None, ""),
        Change(PHONE, "READ", 1, 1, 0, ""),
        Delivery(PHONE, "m", "b-0", "accepted", "READ", 1, 1, 0),
        Reply("1", PHONE, TEXT, None, "b-0", "m"),
        Event("i", "t", "s", "b", "", 1, {"phone": PHONE, "message": TEXT}, "p"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_repr_shows_whom_or_what(value: Any) -> None:
    shown = repr(value) + str(value) + f"{value}"
    for private in (PHONE, TEXT, CORE):
        assert private not in shown
        assert quote(private) not in shown


def test_values_are_compared_by_what_they_hide() -> None:
    reply = Reply("1", PHONE, TEXT, None, "b-0", "m")
    assert replace(reply, message="another") != reply
