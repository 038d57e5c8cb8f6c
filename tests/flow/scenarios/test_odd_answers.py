"""A batch whose gateway answers as PHP frameworks do: each status, refusal, reply and price is known all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from campaigns.campaign import Campaign
from campaigns.gateway import Gateway, Transport
from tests.gateway.wire import answering, serving
from tests.support.events import check_event
from tests.support.jobs import bulk_job, phones
from tests.support.reads import fetch_batch, poll_batch
from tests.support.stage import Stage

FIRST, SECOND = phones(2), phones(2, start=10)
NAMES = ["Everything must go: \U0001f600 & more", " Second mailing of the spring "]


class Scripted:
    """A gateway that answers each method as it is set to, and keeps what it was asked."""

    def __init__(self, stage: Stage, campaign: Campaign, url: str) -> None:
        self.stage, self.campaign, self.batch_id = stage, campaign, f"{campaign.id}-0"
        transport = Transport(url, connect_timeout_s=2, deadline_s=2)
        token = stage.services.settings.token("default")
        gateway = Gateway(transport, token, read_attempts=1)
        self.services = replace(stage.services, gateway=lambda _: gateway)

    def poll(self) -> None:
        poll_batch(self.services, self.batch_id)

    def unreadable(self) -> list[tuple[str, int]]:
        found = [e.data for e in self.stage.events(self.campaign) if e.type == "answer.unreadable"]
        return [(data["reason"], data["rows"]) for data in found]


class Answers:
    """Documents by method, and by method and message id; bytes as they are."""

    def __init__(self) -> None:
        self.by_method: dict[str, Any] = {}
        self.marked: list[str] = []

    def __call__(self, connection: Any, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        method = head.split(b" ")[1].partition(b"?")[0].rpartition(b"/")[2].decode()
        form = parse_qs(body.decode())
        if method == "readResponseStatus":
            self.marked += form["incoming_messages"][0].split(",")
        message_id = form.get("message_id", [""])[0]
        said = self.by_method.get(
            f"{method} {message_id}", self.by_method.get(method, {"status": "OK", "result": None})
        )
        answering(said if isinstance(said, bytes) else json.dumps(said).encode())(connection, request)


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def scripted(stage: Stage, answers: Answers) -> Iterator[Scripted]:
    messages = [
        {**bulk_job(people, text=name)["messages"][0], "name": name}
        for people, name in zip((FIRST, SECOND), NAMES, strict=True)
    ]
    campaign = stage.enqueue({"messages": messages})
    stage.send(f"{campaign.id}-0")
    with serving(answers) as wire:
        yield Scripted(stage, campaign, wire.url)
    for event in stage.events(campaign):
        check_event(event)


def element(name: Any, message_id: Any, people: list[Any], status: str = "READ") -> dict[str, Any]:
    rows = [
        {"delivery_id": None, "phone": p, "status": status, "error_code": None, "status_time": None} for p in people
    ]
    return {"message_id": message_id, "name": name, "alphaname_id": None, "success": rows, "errors": None}


def test_statuses_under_lost_names_and_odd_neighbours(scripted: Scripted, answers: Answers) -> None:
    answers.by_method["statusBulkViber"] = [
        None,
        element("???", "8001", ["+" + phone for phone in FIRST], "delivered"),
        element(None, "8002", [*map(int, SECOND), None, "37529***0001", "375299999999"]),
    ]
    scripted.poll()
    status = scripted.campaign.status()
    assert status.statuses == {"DELIVERED": 2, "READ": 2}
    assert {d.phone: d.mailing for d in scripted.campaign.deliveries()} == {
        **dict.fromkeys(FIRST, NAMES[0]),
        **dict.fromkeys(SECOND, NAMES[1]),
    }
    said = [("unreadable element", 1), ("unreadable row", 2), ("phone that the mailing never had", 1)]
    assert sorted(scripted.unreadable()) == sorted(said)
    assert status.unreadable == 4
    # By id from now on, and the same oddities are not reported again.
    answers.by_method["statusBulkViber"][1] = element("other", 8001, FIRST)
    scripted.poll()
    assert scripted.campaign.status().statuses == {"READ": 4}
    assert len(scripted.unreadable()) == 3


def test_a_refusal_under_an_altered_name_is_noticed(scripted: Scripted, answers: Answers) -> None:
    sent = json.loads(scripted.services.batches.body(scripted.batch_id) or b"[]")
    assert [mailing["name"] for mailing in sent] == ["Everything-m-1", "Second-mail-2"]
    answers.by_method["statusBulkViber"] = {
        "0": element(NAMES[1].strip(), 8002, SECOND),
        "3": {"errors": ["everything-m-1 : Content url is not valid"]},
    }
    scripted.poll()
    assert scripted.campaign.status().recipients["rejected"] == 2
    (refused,) = [e for e in scripted.stage.events(scripted.campaign) if e.type == "mailing.rejected"]
    assert refused.data["name"] == NAMES[0]


def test_every_id_of_a_mailing_is_kept_priced_and_asked_for_replies(scripted: Scripted, answers: Answers) -> None:
    divided = [element(NAMES[0], 8001, FIRST[:1], "SENT"), element(NAMES[0], 8003, FIRST[1:], "SENT")]
    answers.by_method["statusBulkViber"] = [*divided, element(NAMES[1], 8002, SECOND, "SENT")]
    for message_id, cost in {8001: "0.10000 EUR", 8002: "0.5 BYN", 8003: "0.20000 EUR"}.items():
        answers.by_method[f"getViberMessageData {message_id}"] = {
            "status": "OK",
            "result": {"message_id": message_id, "status": None, "cost": cost},
        }
    scripted.poll()
    batch = scripted.services.batches.read(scripted.batch_id)
    assert batch.all_message_ids == {0: (8001, 8003), 1: (8002,)}
    status = scripted.campaign.status()
    assert status.costs == {"EUR": Decimal("0.3"), "BYN": Decimal("0.5")}
    assert status.cost is None
    reply = {"id": 7, "phone": FIRST[1], "message": "yes", "d_receiver": None}
    answers.by_method["getNewIncomingMessages 8003"] = {"status": "OK", "result": {"5": reply}}
    fetch_batch(scripted.services, scripted.batch_id)
    assert [(r.id, r.phone, r.mailing) for r in scripted.campaign.replies()] == [("7", FIRST[1], NAMES[0])]
    assert answers.marked == ["7"]
    # A later figure replaces the earlier ones, each in its currency.
    scripted.services.deliveries.price(batch, 0, {"EUR": 400_000})
    assert scripted.campaign.status().costs == {"EUR": Decimal("0.4"), "BYN": Decimal("0.5")}


def test_a_stop_beside_odd_replies_counts_under_the_phone_as_we_write_it(scripted: Scripted, answers: Answers) -> None:
    answers.by_method["statusBulkViber"] = [element(NAMES[0], 8001, FIRST), element(NAMES[1], 8002, SECOND)]
    scripted.poll()
    rows = b"""{"id": null, "phone": null, "message": null}, 7,
        {"id": "1", "phone": "+%s", "message": "\\ud83d", "d_receiver": null},
        {"id": 2, "phone": "%s", "message": null},
        {"phone": "8 0%s", "message": "\xc2\xab\xd0\xa1\xd1\x82\xd0\xbe\xd0\xbf!\xc2\xbb \xff"}""" % tuple(
        phone.encode() for phone in (FIRST[0], FIRST[1], SECOND[0][3:])
    )
    answers.by_method["getNewIncomingMessages 8002"] = b'\xef\xbb\xbf{"status": "ok", "result": [' + rows + b"]}"
    for _ in range(2):
        fetch_batch(scripted.services, scripted.batch_id)
    assert sorted(reply.phone for reply in scripted.campaign.replies()) == sorted([*FIRST, SECOND[0]])
    assert set(scripted.stage.services.optouts) == {SECOND[0]}
    assert scripted.unreadable() == [("unreadable reply", 2)]
    assert set(answers.marked) == {"1", "2"}
