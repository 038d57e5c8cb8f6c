"""The sandbox by raw requests: parameters in query, form and JSON alike, and the documented answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import Any

import pytest

from campaigns.sandbox.server import Sandbox
from tests.support.jobs import sample, sample_job
from tests.support.raw_requests import TOKEN, Call, by_form, by_json, by_query, raw


def shape(value: Any) -> Any:
    """The structure of a document: names and types."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


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
