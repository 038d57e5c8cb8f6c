"""Answers as PHP frameworks write them: what is empty, odd, cut or spelled otherwise costs nothing but itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.answers.rows import DeliveryRows
from campaigns.errors import AccountRefusedError, ContentRefusedError, GatewayError, OutcomeUnknownError
from campaigns.gateway import Gateway, Transport
from campaigns.gateway.meaning import Answer, interpret
from campaigns.settings import Secret
from tests.gateway.wire import answering, serving
from tests.support.jobs import sample

PHONE = "375291111111"


def read(method: str, body: Any, status: int = 200) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return interpret(Answer(method, status, None, raw))


def wrapped(*rows: Any) -> dict[str, Any]:
    return {"status": "OK", "result": list(rows)}


LISTED = sample("getViberMessages.response")["result"][0]
REPLY = sample("getNewIncomingMessages.response")["result"][0]
DELIVERED = sample("getViberDeliveryList.response")["result"][0]
TAKEN = sample("statusBulkViber.response")[0]


class TestRefusals:
    """What is an error, and of what kind."""

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ({"error": "Insufficient funds", "success": []}, AccountRefusedError),
            ({"error": "Content is wrong", "success": [], "uuid": None}, ContentRefusedError),
            ({"error": "Content is wrong", "success": {}, "status": []}, ContentRefusedError),
            ({"error": "Content is wrong", "status": {"code": 5}, "uuid": ""}, ContentRefusedError),
            ({"status": "ERROR", "message": "Content is wrong", "error": None}, ContentRefusedError),
            ({"success": False, "message": "Content is wrong"}, ContentRefusedError),
            ({"errors": {"messages.0.name": ["is too long"]}}, ContentRefusedError),
            ({"error": True, "message": "Content is wrong"}, ContentRefusedError),
            ({"error": "undefined error"}, OutcomeUnknownError),
            ({"error": "Undefined error.", "success": []}, OutcomeUnknownError),
            ({"status": "error", "message": "Internal Server Error"}, OutcomeUnknownError),
            ({"error": "Неизвестная ошибка"}, OutcomeUnknownError),
            ({"error": "Content is wrong", "success": "ok"}, OutcomeUnknownError),
            ({"error": "Content is wrong", "uuid": "u"}, OutcomeUnknownError),
            ({"success": "OK", "uuid": None}, OutcomeUnknownError),
            ({"success": "OK", "uuid": []}, OutcomeUnknownError),
        ],
    )
    def test_of_paid_requests(self, body: Any, kind: type[GatewayError]) -> None:
        with pytest.raises(GatewayError) as caught:
            read("sendBulkViber", body)
        assert type(caught.value) is kind

    def test_a_gateway_that_does_not_know_is_doubt_with_any_status(self) -> None:
        with pytest.raises(OutcomeUnknownError):
            read("sendBulkViber", {"error": "undefined error"}, 400)

    @pytest.mark.parametrize("nothing", [None, "", [], False, 0, {}])
    def test_no_error_beside_a_good_answer(self, nothing: Any) -> None:
        good = {"uuid": "u", "success": "OK", "error": nothing, "errors": nothing, "message": nothing}
        assert read("sendBulkViber", good) == "u"

    @pytest.mark.parametrize("yes", ["OK", "ok", " Ok ", True, 1, "1", "success"])
    def test_success_in_any_spelling(self, yes: Any) -> None:
        assert read("sendBulkViber", {"uuid": "u", "success": yes}) == "u"
        assert read("sendQuickViberMessage", {"status": yes, "result": {"message_id": "8484"}}) == 8484
        assert read("confirmViberMessage", {"status": yes}) is None

    def test_words_nested_too_deep_raise_nothing_else(self) -> None:
        deep = b'{"error": ' + b"[" * 600 + b"1" + b"]" * 600 + b"}"
        with pytest.raises(ContentRefusedError):
            read("sendBulkViber", deep)

    def test_a_phone_in_the_gateways_words_is_in_no_message(self) -> None:
        with pytest.raises(ContentRefusedError) as caught:
            read("sendBulkViber", {"error": "Phones 375291111111, +375 (29) 222-22-22 are wrong in list 4905"})
        assert "375291111111" in caught.value.gateway_text
        assert str(caught.value) == "sendBulkViber: refused: Phones ***, *** are wrong in list 4905"


class TestNulls:
    """null is the same as absent, and a row that says nothing hides no other."""

    @pytest.mark.parametrize("method", ["getViberMessages", "getViberMessageData"])
    def test_mailing(self, method: str) -> None:
        empty = {name: None for name in LISTED if name != "message_id"} | {"message_id": "8483"}
        body = wrapped(empty) if method == "getViberMessages" else {"status": "OK", "result": empty}
        found = read(method, body)
        (data,) = found if isinstance(found, list) else [found]
        assert (data.message_id, data.message, data.button_caption, data.cost, data.currency) == (
            8483,
            "",
            "",
            None,
            "",
        )

    def test_a_listed_mailing_that_cannot_be_read_is_counted(self) -> None:
        found = read(
            "getViberMessages", wrapped(LISTED, None, {**LISTED, "message_id": None}, {**LISTED, "message": {}})
        )
        assert [data.message_id for data in found] == [8483]
        assert (found.unreadable, found.sent) == (3, 4)

    def test_a_sticker_hides_no_other_reply(self) -> None:
        sticker = {**REPLY, "message": None, "d_receiver": None, "id": 7}
        found = read("getNewIncomingMessages", wrapped(sticker, None, REPLY, [], {"id": None, "phone": None}))
        assert [(reply.id, reply.message) for reply in found] == [("7", ""), ("1234", "Reply to received message")]
        assert found.unreadable == 3

    @pytest.mark.parametrize("method", ["getViberMessages", "getViberDeliveryList", "getNewIncomingMessages"])
    @pytest.mark.parametrize("nothing", [None, "", [], {}, False])
    def test_no_rows(self, method: str, nothing: Any) -> None:
        assert list(read(method, {"status": "OK", "result": nothing})) == []
        assert list(read(method, {"status": "OK"})) == []

    def test_bulk_elements(self) -> None:
        nameless = {"message_id": "2", "name": None, "alphaname_id": None, "success": TAKEN["success"], "errors": None}
        refused = {"message_id": None, "success": None, "errors": [None, "mailing list 3: no"]}
        status = read("statusBulkViber", [TAKEN, None, nameless, refused, {"name": {}}, {**TAKEN, "success": None}])
        assert [(m.message_id, m.name, len(m.rows)) for m in status.mailings] == [
            (1, "mailing list 1", 2),
            (2, "", 2),
            (1, "mailing list 1", 0),
        ]
        assert [refusal.text for refusal in status.errors] == ["mailing list 3: no"]
        assert status.unreadable == 2

    def test_a_mailing_without_anybody_beside_its_errors_was_refused(self) -> None:
        status = read("statusBulkViber", [{"name": "a", "success": [], "errors": "Content url is not valid"}])
        assert status.mailings == ()
        assert [(refusal.text, refusal.name) for refusal in status.errors] == [("Content url is not valid", "a")]

    def test_errors_by_name(self) -> None:
        status = read("statusBulkViber", [{"errors": {"a": ["no picture", "no text"], "0": "b: no"}}])
        assert [refusal.text for refusal in status.errors] == ["a: no picture", "a: no text", "b: no"]

    def test_a_list_that_does_not_say_how_many_it_reaches(self) -> None:
        created = read("sendViberMessageList", {"status": "OK", "result": {"message_id": 5, "count_subscribers": None}})
        assert (created.message_id, created.count_subscribers) == (5, None)

    def test_nothing_known_of_a_quick_message_yet(self) -> None:
        row = read("getViberDeliveryData", {"status": "OK", "result": {"phone": None, "status": None}})
        assert (row.phone, row.status, row.error_code) == ("", "", 0)


class TestForms:
    """Lists as objects, numbers as text, marks before the JSON, bytes that are no text."""

    def test_numbered_keys_keep_their_order(self) -> None:
        rows = {"10": {**DELIVERED, "phone": "375291111110"}, "2": {**DELIVERED, "phone": "375291111112"}}
        found = read("getViberDeliveryList", {"status": "OK", "result": rows})
        assert [row.phone for row in found] == ["375291111112", "375291111110"]
        status = read("statusBulkViber", {"0": TAKEN, "3": {**TAKEN, "success": rows}})
        assert [len(mailing.rows) for mailing in status.mailings] == [2, 2]
        assert [m.message_id for m in read("getViberMessages", {"status": "OK", "result": {"4": LISTED}})] == [8483]
        assert len(read("getNewIncomingMessages", {"status": "OK", "result": {"1": REPLY}})) == 1

    @pytest.mark.parametrize("method", ["statusBulkViber", "getViberDeliveryList", "sendBulkViber"])
    def test_byte_order_mark(self, method: str) -> None:
        document = sample(f"{method}.response")
        assert read(method, b"\xef\xbb\xbf" + json.dumps(document).encode()) == read(method, document)

    @pytest.mark.parametrize("broken", [rb"\ud83d", rb"\ude00 x", b"\xd0", b"\xff\xfe", b"a\x01b"])
    def test_a_cut_character_costs_its_text_only(self, broken: bytes) -> None:
        body = json.dumps(wrapped({**REPLY, "message": "@"}, REPLY)).encode().replace(b"@", b"Hi " + broken)
        first, second = read("getNewIncomingMessages", body)
        assert first.message.startswith("Hi ") or first.message.startswith("Hi a")
        first.message.encode()
        assert second.message == "Reply to received message"

    def test_a_cut_answer_is_none(self) -> None:
        body = json.dumps(wrapped(REPLY, {**REPLY, "message": "\ud83d"})).encode()
        for end in (1, 2, 30):
            with pytest.raises(OutcomeUnknownError):
                read("getNewIncomingMessages", body[:-end])

    @pytest.mark.parametrize(
        ("written", "known"),
        [
            ("+375291111111", PHONE),
            ("80291111111", PHONE),
            (375291111111, PHONE),
            ("375 29 111-11-11", PHONE),
            ("+375 (29) 111 11 11", PHONE),
            (" 375291111111 ", PHONE),
            ("00375291111111", PHONE),
        ],
    )
    def test_phones_in_any_spelling(self, written: Any, known: str) -> None:
        assert [row.phone for row in DeliveryRows([{**DELIVERED, "phone": written}])] == [known]
        assert read("getNewIncomingMessages", wrapped({**REPLY, "phone": written}))[0].phone == known
        row = read("getViberDeliveryData", {"status": "OK", "result": {"phone": written, "status": "READ"}})
        assert row.phone == known

    @pytest.mark.parametrize("masked", ["37529***1111", "375291111XXX", "Anna", "", None, True, [], {}])
    def test_a_masked_phone_is_no_phone(self, masked: Any) -> None:
        rows = DeliveryRows([{**DELIVERED, "phone": masked}, DELIVERED])
        assert [row.phone for row in rows] == ["375293332211"]
        assert rows.skipped == 1

    @pytest.mark.parametrize(
        ("written", "known"),
        [("delivered", "DELIVERED"), (" Read ", "READ"), ("sent", "SENT"), ("undelivered", "UNDELIVERED")],
    )
    def test_status_words_in_any_case(self, written: str, known: str) -> None:
        assert [row.status for row in DeliveryRows([{**DELIVERED, "status": written}])] == [known]

    def test_the_people_of_rows_without_a_status_are_known(self) -> None:
        rows = DeliveryRows([{"phone": PHONE, "status": None}, {"phone": "375291111112"}])
        assert [(row.phone, row.status) for row in rows] == [(PHONE, ""), ("375291111112", "")]
        assert rows.skipped == 0

    @pytest.mark.parametrize(
        ("written", "amount", "currency"),
        [
            ("0.04900 EUR", "0.04900", "EUR"),
            ("0,049 eur", "0.049", "EUR"),
            (0.5, "0.5", ""),
            ("1EUR", "1", "EUR"),
            ("free", None, ""),
            (None, None, ""),
        ],
    )
    def test_costs(self, written: Any, amount: str | None, currency: str) -> None:
        data = read("getViberMessageData", {"status": "OK", "result": {**LISTED, "cost": written}})
        assert (None if data.cost is None else str(data.cost), data.currency) == (amount, currency)

    def test_ids_of_the_first_version(self) -> None:
        assert read("sendQuickViberMessage", {"status": "OK", "result": {"viber_id": "84"}}) == 84


def test_a_poll_reads_phones_by_the_region_of_the_setting() -> None:
    """A phone that is written without a country is one of where the setting says."""
    row = {**DELIVERED, "phone": "512345678"}
    with serving(answering(json.dumps(wrapped(row)).encode())) as wire:
        transport = Transport(wire.url, connect_timeout_s=2, deadline_s=2)
        rows = Gateway(transport, Secret("t"), region="PL").get_viber_delivery_list(5).data
    assert [found.phone for found in rows] == ["48512345678"]
