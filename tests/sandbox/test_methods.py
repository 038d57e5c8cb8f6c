"""The sandbox by raw requests: parameters in query, form and JSON alike, and the documented answers."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from campaigns.sandbox.server import Sandbox
from tests.support.jobs import sample, sample_job

TOKEN = {"token": "tok"}


def raw(
    sandbox: Sandbox,
    path: str,
    *,
    query: Any = None,
    form: Any = None,
    document: Any = None,
    verb: str = "POST",
    encoding: str = "utf-8",
) -> tuple[int, Any, dict[str, str]]:
    parts = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    body, headers = None, {}
    if form is not None:
        body, headers = urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"}
    if document is not None:
        body, headers = json.dumps(document), {"Content-Type": "application/json"}
    target = path + ("?" + urlencode(query) if query else "")
    try:
        connection.request(verb, target, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read().decode(encoding)), dict(answer.getheaders())
    finally:
        connection.close()


def shape(value: Any) -> Any:
    """The structure of a document: names and types."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


Call = Callable[[Sandbox, str, dict[str, Any]], Any]


def by_query(sandbox: Sandbox, path: str, parameters: dict[str, Any]) -> Any:
    flat = {name: json.dumps(v) if isinstance(v, list) else v for name, v in parameters.items()}
    return raw(sandbox, path, query=flat)[1]


def by_form(sandbox: Sandbox, path: str, parameters: dict[str, Any]) -> Any:
    flat = {name: json.dumps(v) if isinstance(v, list) else v for name, v in parameters.items()}
    return raw(sandbox, path, form=flat)[1]


def by_json(sandbox: Sandbox, path: str, parameters: dict[str, Any]) -> Any:
    return raw(sandbox, path, document=parameters)[1]


@pytest.mark.parametrize("call", [by_query, by_form, by_json])
def test_all_eleven(sandbox: Sandbox, call: Call) -> None:
    """Each answer has the shape of the contract's sample, wherever the parameters stand."""

    def ask(method: str, version: str = "v2", **parameters: Any) -> Any:
        answer = call(sandbox, f"/api/{version}/{method}", {**TOKEN, **parameters})
        wanted = sample(f"{method}.response")
        if method == "statusBulkViber":
            wanted = wanted[:1]
        assert shape(answer) == shape(wanted), method
        return answer

    uuid = ask("sendBulkViber", "v1", messages=sample_job(schedule=None)["messages"])["uuid"]
    status = ask("statusBulkViber", "v1", uuid=uuid)
    assert [mailing["name"] for mailing in status] == [f"mailing list {n}" for n in range(1, 6)]
    quick = {"vibername_id": 7, "phone": "375297779909", "message": "hi"}
    message_id = ask("sendQuickViberMessage", **quick)["result"]["message_id"]
    assert ask("getViberDeliveryData", message_id=message_id)["result"]["phone"] == "375297779909"
    created = ask("sendViberMessageList", vibername_id=7, list_id=1, message="hi")["result"]
    assert created["count_subscribers"] == 4
    ask("confirmViberMessage", message_id=created["message_id"])
    listed = ask("getViberMessages", limit_rows=2)["result"]
    assert [mailing["message_id"] for mailing in listed] == [created["message_id"], message_id]
    ask("getViberMessageData", message_id=created["message_id"])
    assert len(ask("getViberDeliveryList", message_id=created["message_id"])["result"]) == 4
    until = time.monotonic() + 10
    while not (call(sandbox, "/api/v2/getNewIncomingMessages", {**TOKEN, "message_id": message_id}))["result"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    replies = ask("getNewIncomingMessages", message_id=message_id)["result"]
    marked = ask("readResponseStatus", incoming_messages=replies[0]["id"])
    assert marked["result"] == "Number of flagged messages: 1"
    assert call(sandbox, "/api/v2/getNewIncomingMessages", {**TOKEN, "message_id": message_id})["result"] == []


def test_curl(sandbox: Sandbox) -> None:
    """The same with the tool that people try it with."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed; the requests above are the same by other means")
    data = ["-d", "token=tok", "-d", "vibername_id=7", "-d", "phone=375291111111", "-d", "message=hi"]
    command = [curl, "-sS", *data, f"{sandbox.url}/api/v2/sendQuickViberMessage"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=20).stdout)
    assert answer["status"] == "OK"
    assert sandbox.ledger()[0]["phone"] == "375291111111"


class TestQuirks:
    """What the contract does and does not say."""

    def test_uuid_first_and_errors_later_by_name(self, sandbox: Sandbox) -> None:
        messages = sample_job(schedule=None)["messages"]
        messages[2]["content"]["image_url"] = "nowhere"
        messages[4]["message_type"] = "personal"
        answer = by_json(sandbox, "/api/v1/sendBulkViber", {**TOKEN, "messages": messages})
        assert answer["success"] == "OK"
        status = by_json(sandbox, "/api/v1/statusBulkViber", {**TOKEN, "uuid": answer["uuid"]})
        assert status[2] == {"errors": ["mailing list 3: Content url is not valid"]}
        assert status[4] == {"errors": ["mailing list 5: Image can only be used with message type bulk"]}
        assert len(sandbox.ledger()) == 6

    def test_confirm_takes_the_money_once(self, sandbox: Sandbox) -> None:
        created = by_form(
            sandbox, "/api/v2/sendViberMessageList", {**TOKEN, "vibername_id": 7, "list_id": 2, "message": "hi"}
        )
        message = {**TOKEN, "message_id": created["result"]["message_id"]}
        assert sandbox.summary()["spent"] == "0.00000 EUR"
        assert by_form(sandbox, "/api/v2/getViberMessageData", message)["result"]["status"] == "NEW"
        assert by_form(sandbox, "/api/v2/confirmViberMessage", message) == {"status": "OK"}
        assert by_form(sandbox, "/api/v2/confirmViberMessage", message) == {"error": "Message is already confirmed"}
        assert sandbox.summary()["spent"] == "1.22500 EUR"
        assert by_form(sandbox, "/api/v2/getViberMessageData", message)["result"]["status"] == "SENT"

    def test_no_money(self, sandbox: Sandbox) -> None:
        sandbox.change(cost="600")
        quick = {**TOKEN, "vibername_id": 7, "phone": "375291111111", "message": "hi"}
        assert by_form(sandbox, "/api/v2/sendQuickViberMessage", quick)["status"] == "OK"
        assert by_form(sandbox, "/api/v2/sendQuickViberMessage", quick) == {"error": "Insufficient funds"}
        assert len(sandbox.ledger()) == 1

    def test_refusals(self, sandbox: Sandbox) -> None:
        assert raw(sandbox, "/api/v2/getViberMessages", form={})[:2] == (401, {"error": "Invalid token"})
        assert raw(sandbox, "/api/v1/sendBulkViber", document=TOKEN)[0] == 400
        assert raw(sandbox, "/api/v1/nothing", form=TOKEN)[:2] == (404, {"error": "Page not found"})
        status, answer, _ = raw(sandbox, "/api/v2/getViberMessageData", form={**TOKEN, "message_id": 1})
        assert (status, answer) == (200, {"error": "Message not found"})

    def test_money_is_topped_up(self, sandbox: Sandbox) -> None:
        """For everybody, or for one token; more than the first balance buys goes out after it."""
        sandbox.change(cost="600")
        quick = {**TOKEN, "vibername_id": 7, "phone": "375291111111", "message": "hi"}
        by_form(sandbox, "/api/v2/sendQuickViberMessage", quick)
        sandbox.top_up("200")
        assert by_form(sandbox, "/api/v2/sendQuickViberMessage", quick)["status"] == "OK"
        assert by_form(sandbox, "/api/v2/sendQuickViberMessage", quick) == {"error": "Insufficient funds"}
        sandbox.top_up("1000.5", token="other")
        by_form(sandbox, "/api/v2/sendQuickViberMessage", {**quick, "token": "other"})
        by_form(sandbox, "/api/v2/sendQuickViberMessage", {**quick, "token": "third"})
        balances = sandbox.summary()["balances"].values()
        assert sorted(balances) == ["0.00000 EUR", "1600.50000 EUR", "600.00000 EUR"]

    @pytest.mark.parametrize("amount", ["0", "-5", "NaN", "1e999999", "Infinity", "much", None])
    def test_no_amount(self, sandbox: Sandbox, amount: str) -> None:
        with pytest.raises(ValueError, match="amount"):
            sandbox.top_up(amount)

    def test_only_one_token_is_let_in(self, sandbox: Sandbox) -> None:
        sandbox.change(token="mine")
        wrong = {"error": "Пользователя с таким токеном не найдено"}
        assert raw(sandbox, "/api/v2/getViberMessages", form=TOKEN)[:2] == (401, wrong)
        assert raw(sandbox, "/api/v2/getViberMessages", form={"token": "mine"})[0] == 200
        sandbox.change(token="")
        assert raw(sandbox, "/api/v2/getViberMessages", form=TOKEN)[0] == 200

    @pytest.mark.parametrize("limit", [{"limit_rows": -1}, {"limit_offset": -1}, {"limit_rows": "1" * 30}])
    def test_limits_of_the_listing(self, sandbox: Sandbox, limit: dict[str, Any]) -> None:
        answer = by_form(sandbox, "/api/v2/getViberMessages", {**TOKEN, **limit})
        (name,) = limit
        assert answer["error"].startswith(f"The {name} must be ")

    @pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize("path", ["/api/v1/sendBulkViber", "/api/v2/getViberMessages", "/_sandbox/ledger"])
    def test_wrong_verbs(self, sandbox: Sandbox, verb: str, path: str) -> None:
        assert raw(sandbox, path, verb=verb)[:2] == (405, {"error": "Method not allowed"})

    def test_nesting_without_end(self, sandbox: Sandbox) -> None:
        deep: Any = []
        for _ in range(900):
            deep = [deep]
        status, answer, _ = raw(sandbox, "/api/v1/sendBulkViber", document={**TOKEN, "messages": [deep]})
        assert status in {200, 400}
        assert "error" in answer or "uuid" in answer

    def test_accounts_do_not_see_each_other(self, sandbox: Sandbox) -> None:
        quick = {"vibername_id": 7, "phone": "375291111111", "message": "hi"}
        sent = by_form(sandbox, "/api/v2/sendQuickViberMessage", {**TOKEN, **quick})
        other = {"token": "other", "message_id": sent["result"]["message_id"]}
        assert by_form(sandbox, "/api/v2/getViberMessageData", other) == {"error": "Message not found"}
        assert by_form(sandbox, "/api/v2/getViberMessages", {"token": "other"})["result"] == []

    def test_ledger_and_money_agree(self, sandbox: Sandbox) -> None:
        by_json(sandbox, "/api/v1/sendBulkViber", {**TOKEN, "messages": sample_job(schedule=None)["messages"]})
        figures = sandbox.summary()
        assert figures["messages"] == len(sandbox.ledger()) == 10
        assert figures["spent_units"] == 10 * 4900


class TestFaults:
    """Each fault as a raw client sees it, and whether the message went out."""

    QUICK = {**TOKEN, "vibername_id": 7, "phone": "375291111111", "message": "hi"}

    def send(self, sandbox: Sandbox) -> tuple[int, Any, dict[str, str]]:
        return raw(sandbox, "/api/v2/sendQuickViberMessage", form=self.QUICK)

    @pytest.mark.parametrize(
        ("fault", "status", "sent"),
        [
            ("refuse", 400, 0),
            ("refuse_account", 401, 0),
            ("no_money", 200, 0),
            ("too_many", 429, 0),
            ("error_500_before", 500, 0),
            ("error_500_after", 500, 1),
        ],
    )
    def test_answers(self, sandbox: Sandbox, fault: str, status: int, sent: int) -> None:
        sandbox.fault(fault, "sendQuickViberMessage")
        found, answer, _ = self.send(sandbox)
        assert found == status
        assert "error" in answer
        assert len(sandbox.ledger()) == sent
        assert self.send(sandbox)[0] == 200

    @pytest.mark.parametrize(
        ("fault", "sent"),
        [
            ("reset_before", 0),
            ("hang_before", 0),
            ("reset_after", 1),
            ("hang_after", 1),
            ("cut_headers", 1),
            ("cut_body", 1),
            ("garbage", 1),
            ("html", 1),
            ("redirect", 1),
        ],
    )
    def test_no_answer(self, sandbox: Sandbox, fault: str, sent: int) -> None:
        sandbox.fault(fault, "sendQuickViberMessage", delay_s=0.2)
        with pytest.raises((OSError, http.client.HTTPException, ValueError)):
            self.send(sandbox)
        assert len(sandbox.ledger()) == sent

    def test_slow(self, sandbox: Sandbox) -> None:
        sandbox.fault("slow", "any", delay_s=0.3)
        started = time.monotonic()
        assert self.send(sandbox)[0] == 200
        assert time.monotonic() - started >= 0.3

    def test_retry_after(self, sandbox: Sandbox) -> None:
        sandbox.fault("too_many", retry_after="7")
        assert self.send(sandbox)[2]["Retry-After"] == "7"

    def test_chance_is_repeatable(self, sandbox: Sandbox) -> None:
        def pattern() -> list[int]:
            sandbox.clear_faults()
            sandbox.fault("refuse", times=None, probability=0.5, seed=7)
            return [self.send(sandbox)[0] for _ in range(12)]

        first = pattern()
        assert {200, 400} == set(first)
        assert pattern() == first

    def test_orders_that_cannot_be_met(self, sandbox: Sandbox) -> None:
        with pytest.raises(ValueError, match="No fault"):
            sandbox.fault("explode")
        with pytest.raises(ValueError, match="No method"):
            sandbox.fault("refuse", "sendFax")


class TestPeople:
    """What recipients do, over the control endpoint."""

    def test_reply_read_block(self, sandbox: Sandbox) -> None:
        sandbox.change(speed=0.001)
        phone = "375291111111"
        raw(sandbox, "/api/v2/sendQuickViberMessage", form=TestFaults.QUICK)
        assert sandbox.ledger()[0]["status"] == "NEW"
        sandbox.read(phone)
        assert sandbox.ledger()[0]["status"] == "READ"
        sandbox.reply(phone, "hello")
        assert sandbox.summary()["unmarked_replies"] == 1
        sandbox.block(phone)
        sandbox.change(speed=1000)
        raw(sandbox, "/api/v2/sendQuickViberMessage", form=TestFaults.QUICK)
        until = time.monotonic() + 5
        while sandbox.ledger()[1]["status"] != "BLOCKED":
            assert time.monotonic() < until
            time.sleep(0.02)
