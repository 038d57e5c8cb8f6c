"""The sandbox's page over HTTP: what it reads, what it does, and what it refuses."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from tests.support.jobs import phones
from tests.support.page import HTML, button, call, get, post, send

FILES = ["page.css", "page.js", "chats.js", "panel.js", "dom.js"]


@pytest.fixture
def slow() -> Any:
    """Nothing is delivered by itself."""
    with Sandbox(options=Options(speed=0.001)) as sandbox:
        yield sandbox


def test_files(sandbox: Sandbox) -> None:
    """Everything comes from the sandbox, and the page may load nothing else."""
    for path in ["/", *(f"/_sandbox/page/{name}" for name in FILES)]:
        status, body, headers = call(sandbox, "GET", path)
        assert status == 200
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        text = body.decode()
        assert re.findall(r"(?:src|href)=\"(?!/_sandbox/page/|data:)", text) == []
        assert re.findall(r"url\(|@import|innerHTML|insertAdjacent|document\.write|\bon[a-z]+=\"|style=\"", text) == []


def test_every_file_is_served() -> None:
    folder = files("campaigns.sandbox") / "static"
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(["index.html", *FILES])


def test_flask_serves_no_file_of_its_own(sandbox: Sandbox) -> None:
    assert call(sandbox, "GET", "/static/index.html")[0] == 404


def test_conversations_newest_first(sandbox: Sandbox) -> None:
    """One per phone and sender, with its newest message."""
    one, other = phones(2)
    send(sandbox, "first", [one, other])
    send(sandbox, "second", [one])
    send(sandbox, "third", [one], alphaname=345)
    rows = get(sandbox, "conversations")["conversations"]
    found = [(row["phone"], row["sender_id"], row["text"]) for row in rows]
    assert found == [(one, 345, "third"), (one, 444, "second"), (other, 444, "first")]
    thread = get(sandbox, "thread", phone=one, sender=444)
    assert [item["text"] for item in thread["items"]] == ["first", "second"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [({"phone": "291000001"}, 2), ({"phone": "+375 (29) 100-00-01"}, 2), ({"mailing": "ВЕСЕН"}, 3), ({"mailing": "sale"}, 2),
     ({"mailing": "sale", "phone": "1000003"}, 0), ({"mailing": "8002"}, 2), ({"mailing": "nothing"}, 0)],
)  # fmt: skip
def test_filters(sandbox: Sandbox, query: dict[str, str], expected: int) -> None:
    everyone = phones(4)
    send(sandbox, "Весенняя", everyone[1:4], alphaname=1)
    send(sandbox, "Sale", everyone[:2], alphaname=2)
    assert len(get(sandbox, "conversations", **query)["conversations"]) == expected


def test_filter_by_request(sandbox: Sandbox) -> None:
    send(sandbox, "one", phones(2))
    send(sandbox, "two", phones(3))
    uuid = sandbox.ledger()[0]["uuid"]
    assert len(get(sandbox, "conversations", mailing=uuid)["conversations"]) == 2


def test_pages_of_many(sandbox: Sandbox) -> None:
    """Every conversation shows on exactly one page, whether its messages lie in one mailing or in many."""
    everyone = phones(120)
    send(sandbox, "all", everyone)
    for phone in everyone[::10]:
        send(sandbox, "again", [phone])
    seen: list[str] = []
    offset, more = 0, True
    while more:
        page = get(sandbox, "conversations", offset=offset, limit=50)
        seen += [row["phone"] for row in page["conversations"]]
        offset, more = offset + 50, page["more"]
    assert seen[:12] == everyone[::10][::-1]
    assert sorted(seen) == everyone
    assert len(get(sandbox, "conversations", limit=10**6)["conversations"]) <= 200


def test_earlier_messages(sandbox: Sandbox) -> None:
    phone = phones(1)[0]
    for number in range(5):
        send(sandbox, f"m{number}", [phone])
    thread = get(sandbox, "thread", phone=phone, sender=444, limit=2)
    assert ([item["text"] for item in thread["items"]], thread["more"]) == (["m3", "m4"], True)
    assert get(sandbox, "thread", phone=phone, sender=444, limit=5)["more"] is False


def test_text_stays_text(sandbox: Sandbox) -> None:
    """It travels as JSON, and no answer passes for HTML."""
    phone = phones(1)[0]
    send(sandbox, HTML, [phone])
    for path in ("conversations", f"thread?phone={phone}&sender=444", "state", f"conversations?mailing={quote(HTML)}"):
        _, body, headers = call(sandbox, "GET", f"/_sandbox/page/{path}")
        assert headers["Content-Type"] == "application/json"
        assert HTML in body.decode().replace('\\"', '"')
    _, body, headers = call(sandbox, "POST", "/_sandbox/faults", {"fault": HTML})
    assert headers["Content-Type"] == "application/json"


def test_read(slow: Sandbox) -> None:
    """All of a conversation at once, and only of that one."""
    phone = phones(1)[0]
    for name, alphaname in (("a", 444), ("b", 444), ("c", 345)):
        send(slow, name, [phone], alphaname)
    assert post(slow, "read", phone=phone, sender_id=444) == {"read": 2}
    assert post(slow, "read", phone=phone, sender_id=444) == {"read": 0}
    assert {row["text"]: row["status"] for row in slow.ledger()} == {"a": "READ", "b": "READ", "c": "NEW"}


def test_press(slow: Sandbox) -> None:
    """Who presses has read; the page never opens the link by itself."""
    phone, lost = phones(1)[0], "375291009911"
    message_id = button(slow, phone)
    assert post(slow, "press", phone=phone, message_id=message_id) == {}
    item = get(slow, "thread", phone=phone, sender=444)["items"][0]
    assert (item["status"], item["button_link"]) == ("READ", "https://shop.example/1")
    assert item["pressed_at_ms"] >= item["accepted_at_ms"]
    assert post(slow, "press", phone=phone, message_id=send(slow, "plain", [phone])) == 409
    assert post(slow, "press", phone=lost, message_id=button(slow, lost)) == 409
    assert post(slow, "press", phone=phone, message_id=1) == 404


def test_reply(slow: Sandbox) -> None:
    """It reaches whoever asks the gateway, and has been read."""
    phone = phones(1)[0]
    message_id = send(slow, "Question?", [phone])
    number = post(slow, "reply", phone=phone, message_id=message_id, text="Да <b>")["id"]
    asked = urlencode({"token": "tok", "message_id": message_id})
    _, body, _ = call(slow, "GET", f"/api/v2/getNewIncomingMessages?{asked}")
    assert [(row["id"], row["message"]) for row in json.loads(body)["result"]] == [(str(number), "Да <b>")]
    items = get(slow, "thread", phone=phone, sender=444)["items"]
    assert [(item["is"], item["text"]) for item in items] == [("message", "Question?"), ("reply", "Да <b>")]
    assert get(slow, "conversations")["conversations"][0]["reply"] == "Да <b>"
    assert slow.ledger()[0]["status"] == "READ"


def test_replies_of_their_own(sandbox: Sandbox) -> None:
    """Those that a phone's fate brings show without anybody fetching them."""
    sandbox.change(speed=1e6)
    send(sandbox, "Come?", ["375291009909"])
    items = get(sandbox, "thread", phone="375291009909", sender=444)["items"]
    assert [item["text"] for item in items] == ["Come?", "Yes"]


def test_block(slow: Sandbox) -> None:
    """What was read stays read, what is under way never arrives, and it can be taken back."""
    phone = phones(1)[0]
    send(slow, "before", [phone])
    post(slow, "read", phone=phone, sender_id=444)
    send(slow, "under way", [phone])
    assert post(slow, "block", phone=phone) == {"blocked": True}
    slow.change(speed=1e6)
    send(slow, "after", [phone])
    reported = {row["text"]: row["status"] for row in slow.ledger()}
    assert reported == {"before": "READ", "under way": "BLOCKED", "after": "BLOCKED"}
    assert get(slow, "thread", phone=phone, sender=444)["blocked"] is True
    assert post(slow, "read", phone=phone, sender_id=444) == {"read": 0}
    assert post(slow, "block", phone=phone, blocked=False) == {"blocked": False}
    send(slow, "again", [phone])
    reported = {row["text"]: row["status"] for row in slow.ledger()}
    assert reported == {"before": "READ", "under way": "BLOCKED", "after": "BLOCKED", "again": "READ"}


def test_state_names_the_dialects(sandbox: Sandbox) -> None:
    sandbox.change(dialect="plus+numbers", balance="12.5")
    state = get(sandbox, "state")
    assert (state["dialect"], state["first_balance"]) == ("plus+numbers", "12.50000 EUR")
    assert state["dialects"]["plus"] == "writes phones with a plus"


def test_money_from_the_page(sandbox: Sandbox) -> None:
    send(sandbox, "one", phones(1))
    status, body, _ = call(sandbox, "POST", "/_sandbox/balance", {"amount": "1000"})
    assert status == 200
    assert list(json.loads(body).values()) == ["1999.95100 EUR"]


def test_state(sandbox: Sandbox) -> None:
    """Money, requests and faults in one answer."""
    send(sandbox, "one", phones(3))
    sandbox.fault("reset_after", "sendBulkViber", times=2, probability=0.5, seed=1)
    state = get(sandbox, "state")
    assert (state["messages"], state["paid_requests"], state["spent"]) == (3, 1, "0.14700 EUR")
    assert list(state["balances"].values()) == ["999.85300 EUR"]
    assert state["requests"] == {"sendBulkViber": 1}
    assert state["mailing_names"] == ["one"]
    assert len(state["methods"]) == 11
    assert state["faults"][0] | {"fault": "reset_after", "times": 2, "probability": 0.5} == state["faults"][0]


def test_faults_one_by_one(sandbox: Sandbox) -> None:
    sandbox.fault("refuse", "sendBulkViber", times=None)
    sandbox.fault("slow", "statusBulkViber", delay_s=0)
    first, second = get(sandbox, "state")["faults"]
    assert call(sandbox, "POST", "/api/v1/sendBulkViber", {"token": "tok"})[0] == 400
    assert get(sandbox, "state")["faults"][0]["struck"] == 1
    assert call(sandbox, "DELETE", f"/_sandbox/faults/{first['id']}")[0] == 200
    assert get(sandbox, "state")["faults"] == [second]
    assert call(sandbox, "DELETE", f"/_sandbox/faults/{first['id']}")[0] == 404


@pytest.mark.parametrize(
    "more",
    [{"times": "3"}, {"times": -1}, {"times": 1.5}, {"times": True}, {"probability": "1"}, {"probability": 2}, {"probability": None},
     {"delay_s": "x"}, {"delay_s": -1}, {"delay_s": 1e9}, {"text": 5}, {"retry_after": "1\r\nX: y"}, {"id": 5}, {"random": 1}],
)  # fmt: skip
def test_faults_that_cannot_be(sandbox: Sandbox, more: dict[str, Any]) -> None:
    """They are refused at once, instead of breaking the requests that they would strike."""
    assert call(sandbox, "POST", "/_sandbox/faults", {"fault": "too_many", **more})[0] == 400
    assert get(sandbox, "state")["faults"] == []


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [("GET", "thread", None), ("GET", "thread?phone=abc&sender=1", None), ("GET", "thread?phone=375291111111", None),
     ("GET", "conversations?offset=-1", None), ("GET", "conversations?limit=x", None), ("GET", "conversations?offset=²", None),
     ("POST", "reply", {"phone": "375291000000", "message_id": 8001, "text": " "}), ("POST", "reply", {"phone": "375291000000", "text": "x"}),
     ("POST", "press", {"phone": "375291000000", "message_id": []}), ("POST", "read", {"phone": "375291000000"}),
     ("POST", "read", []), ("POST", "block", {"phone": "375291000000", "blocked": "no"}), ("POST", "block", {"phone": True})],
)  # fmt: skip
def test_nonsense(sandbox: Sandbox, method: str, path: str, document: Any) -> None:
    status, body, _ = call(sandbox, method, f"/_sandbox/page/{quote(path, safe='?=&')}", document)
    assert status == 400
    assert json.loads(body)["error"]


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example:8025"},
     {"Host": "evil.example:8025", "Origin": "http://evil.example:8025"}],
)  # fmt: skip
def test_pages_from_elsewhere(sandbox: Sandbox, headers: dict[str, str]) -> None:
    """Neither the page's endpoints, nor the controls, nor the gateway's methods are theirs."""
    phone = phones(1)[0]
    send(sandbox, "hello", [phone])
    for method, path, document in (
        ("POST", "/_sandbox/faults", {"fault": "refuse"}),
        ("DELETE", "/_sandbox/faults", None),
        ("POST", "/_sandbox/reset", {}),
        ("POST", "/_sandbox/page/block", {"phone": phone}),
        ("POST", "/_sandbox/page/reply", {"phone": phone, "message_id": 8001, "text": "x"}),
        ("GET", "/_sandbox/page/conversations", None),
        ("GET", f"/api/v2/sendQuickViberMessage?token=t&vibername_id=1&phone={phone}&message=x", None),
    ):
        status, _, answered = call(sandbox, method, path, document, headers)
        assert status == 403, path
        assert "Access-Control-Allow-Origin" not in answered
    state = get(sandbox, "state")
    assert (state["messages"], state["faults"], state["unmarked_replies"]) == (1, [], 0)
    assert get(sandbox, "thread", phone=phone, sender=444)["blocked"] is False


def test_its_own_page(sandbox: Sandbox) -> None:
    headers = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}
    assert call(sandbox, "POST", "/_sandbox/faults", {"fault": "refuse"}, headers)[0] == 200
