"""The wire form of all eleven methods: what a server really receives, parameter by parameter."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from campaigns.gateway import Gateway, Transport
from campaigns.jobs.values import ImageFile
from campaigns.settings import Secret
from tests.gateway.wire import answering, serving
from tests.support.jobs import sample

TOKEN = "tok&en=1 ü"
IMAGE = ImageFile("a.png", "image/png", b"\x89PNG\r\n\x1a\n\x00")


@dataclass
class Received:
    method: str
    path: str
    query: dict[str, list[str]]
    form: dict[str, Any]
    json: Any


def received(raw: bytes) -> Received:
    head, _, body = raw.partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    parts = urlsplit(target)
    headers = message_from_bytes(head.partition(b"\r\n")[2] + b"\r\n\r\n")
    form: dict[str, Any] = {}
    document = None
    content_type = headers.get_content_type()
    if content_type == "application/json":
        document = json.loads(body)
    elif content_type == "multipart/form-data":
        whole = message_from_bytes(head.partition(b"\r\n")[2] + b"\r\n\r\n" + body)
        for part in whole.get_payload():  # type: ignore[union-attr]
            name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
            content = part.get_payload(decode=True)  # type: ignore[union-attr]
            filename = part.get_filename()  # type: ignore[union-attr]
            form[str(name)] = (filename, content) if filename else content.decode()  # type: ignore[union-attr]
    elif body:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return Received(method, parts.path, parse_qs(parts.query), form, document)


def exchange(act: Callable[[Gateway], Any], answer: str | Any) -> tuple[Received, Any]:
    """Make one call against a server that gives a sample answer; what it received, and what came out."""
    document = sample(answer) if isinstance(answer, str) else answer
    with serving(answering(json.dumps(document).encode())) as wire:
        transport = Transport(wire.url, connect_timeout_s=2, deadline_s=5)
        result = act(Gateway(transport, Secret(TOKEN)))
    (raw,) = wire.requests
    return received(raw), result


def test_send_bulk_viber() -> None:
    """The JSON document of the contract's sample request, whole."""
    wanted = sample("sendBulkViber.request")
    messages = json.dumps(wanted["messages"]).encode()
    got, uuid = exchange(
        lambda g: g.send_bulk_viber(messages, callback_url=wanted["callback_url"]), "sendBulkViber.response"
    )
    assert (got.method, got.path, got.query) == ("POST", "/api/v1/sendBulkViber", {})
    assert got.json == {**wanted, "token": TOKEN}
    assert uuid == "cc9c8043-8caf-11ef-b035-9e8f47954dec"


def test_send_bulk_viber_without_a_callback() -> None:
    got, _ = exchange(lambda g: g.send_bulk_viber(b"[1]"), "sendBulkViber.response")
    assert got.json == {"token": TOKEN, "messages": [1]}


def test_status_bulk_viber() -> None:
    got, polled = exchange(lambda g: g.status_bulk_viber("u-1"), "statusBulkViber.response")
    assert got.path == "/api/v1/statusBulkViber"
    assert got.query == {"token": [TOKEN], "uuid": ["u-1"]}
    assert got.form == {}
    status = polled.data
    assert [(m.message_id, m.name, m.alphaname_id, len(m.rows)) for m in status.mailings] == [
        (1, "mailing list 1", "123", 2),
        (2, "mailing list 2", "345", 2),
    ]
    assert next(iter(status.mailings[1].rows)) == ("375293333333", "DELIVERED", 1003, 0, "2024-10-16 22:52:44.793377")
    assert tuple(refusal.text for refusal in status.errors) == (
        "mailing list 3: Content url is not valid",
        "mailing list 4: Optimal image size 800x800 px",
    )


FORM = {"vibername_id": "7", "phone": "375291111111", "type_message": "TEXT", "message": "при & вет"}


def test_send_quick_viber_message() -> None:
    got, message_id = exchange(lambda g: g.send_quick_viber_message(FORM), "sendQuickViberMessage.response")
    assert (got.path, got.query) == ("/api/v2/sendQuickViberMessage", {})
    assert got.form == {"token": TOKEN, **FORM}
    assert message_id == 8484


def test_send_quick_viber_message_with_a_file() -> None:
    got, _ = exchange(lambda g: g.send_quick_viber_message(FORM, image=IMAGE), "sendQuickViberMessage.response")
    assert got.form == {"token": TOKEN, **FORM, "image": ("a.png", IMAGE.content)}


def test_get_viber_delivery_data() -> None:
    got, polled = exchange(lambda g: g.get_viber_delivery_data(8484), "getViberDeliveryData.response")
    assert (got.path, got.query) == ("/api/v2/getViberDeliveryData", {})
    assert got.form == {"token": TOKEN, "message_id": "8484"}
    assert polled.data == ("375293332211", "READ", None, 0, None)


def test_send_viber_message_list() -> None:
    fields = {"vibername_id": "7", "list_id": "3", "name": "n", "message": "m", "d_schedule": "2030-01-01 10:00"}
    got, created = exchange(lambda g: g.send_viber_message_list(fields), "sendViberMessageList.response")
    assert (got.path, got.query) == ("/api/v2/sendViberMessageList", {})
    assert got.form == {"token": TOKEN, **fields}
    assert created == (4905, 4)


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("confirmViberMessage", lambda g: g.confirm_viber_message(4905)),
        ("getViberMessageData", lambda g: g.get_viber_message_data(4905)),
    ],
)
def test_token_in_the_query_and_id_in_the_form(method: str, act: Callable[[Gateway], Any]) -> None:
    got, _ = exchange(act, f"{method}.response")
    assert got.path == f"/api/v2/{method}"
    assert got.query == {"token": [TOKEN]}
    assert got.form == {"message_id": "4905"}


def test_get_viber_messages() -> None:
    got, listed = exchange(lambda g: g.get_viber_messages(offset=100, rows=50), "getViberMessages.response")
    assert got.path == "/api/v2/getViberMessages"
    assert got.query == {"token": [TOKEN]}
    assert got.form == {"limit_offset": "100", "limit_rows": "50"}
    assert [mailing.message_id for mailing in listed] == [8483, 8495]
    assert (str(listed[0].cost), listed[0].currency, listed[0].status) == ("0.04900", "EUR", "SENT")
    assert listed[1].button_link == "https://site.by"


def test_get_viber_delivery_list() -> None:
    got, polled = exchange(lambda g: g.get_viber_delivery_list(5), "getViberDeliveryList.response")
    assert got.path == "/api/v2/getViberDeliveryList"
    assert got.form == {"token": TOKEN, "message_id": "5"}
    assert [(row.phone, row.status, row.delivery_id) for row in polled.data] == [
        ("375293332211", "DELIVERED", 100),
        ("375293332212", "READ", 101),
    ]


def test_get_new_incoming_messages() -> None:
    got, messages = exchange(lambda g: g.get_new_incoming_messages(5), "getNewIncomingMessages.response")
    assert got.path == "/api/v2/getNewIncomingMessages"
    assert got.form == {"token": TOKEN, "message_id": "5"}
    assert messages[1] == ("1236", "375293332212", "Yes", "2022-09-01 11:29:50")


def test_read_response_status() -> None:
    got, marked = exchange(lambda g: g.read_response_status(["1234", "1236"]), "readResponseStatus.response")
    assert got.path == "/api/v2/readResponseStatus"
    assert got.form == {"token": TOKEN, "incoming_messages": "1234,1236"}
    assert marked == 3


def test_repr_is_silent() -> None:
    gateway = Gateway(Transport("http://127.0.0.1:1", connect_timeout_s=1, deadline_s=1), Secret(TOKEN))
    assert TOKEN not in repr(gateway) + repr(vars(gateway))
