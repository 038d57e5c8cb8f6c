"""For how long, and for which requests, an account pauses: one rule for every method."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.accounts.pauses import Pause, pause_for
from campaigns.answers.schemas import SCHEMAS
from campaigns.errors import ContentRefusedError, GatewayError, OutcomeUnknownError, TooManyRequestsError
from campaigns.gateway.meaning import Answer, interpret, retry_after_s
from campaigns.gateway.refusals import beyond_doubt
from campaigns.settings import Settings

SETTINGS = Settings(penalty_s=120, account_pause_s=600, retry_after_max_s=3600)
PAID = ("sendBulkViber", "sendQuickViberMessage", "confirmViberMessage")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def failure(body: Any, status: int, method: str, retry_after: str | None = None) -> GatewayError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(GatewayError) as caught:
        interpret(Answer(method, status, retry_after, raw))
    return caught.value


def pause_after(body: Any, status: int, method: str, retry_after: str | None = None) -> Pause | None:
    return pause_for(failure(body, status, method, retry_after), SETTINGS, paid=method in PAID)


@pytest.mark.parametrize("method", sorted(SCHEMAS))
@pytest.mark.parametrize(
    ("body", "status", "seconds", "all_requests"),
    [
        ({}, 401, 600, True),
        ({}, 402, 600, False),
        (b"", 402, 600, False),
        (b"<html>", 403, 600, True),
        ({}, 429, 120, True),
        ({"error": "limit exceeded"}, 200, 120, True),
        ({"error": "LIMIT EXCEEDED!"}, 400, 120, True),
        ({"error": "Request limit exceeded"}, 200, 120, True),
        ({"error": "Превышен лимит запросов"}, 200, 120, True),
        ({"message": "ПРЕВЫШЕН ЛИМИТ ЗАПРОСОВ"}, 422, 120, True),
        ({"status": "error", "message": "Превышено количество запросов в минуту"}, 200, 120, True),
        ({"error": "Данный токен не найден"}, 200, 600, True),
        ({"error": "Пользователя с таким токеном не найдено"}, 400, 600, True),
        ({"error": "insufficient funds"}, 200, 600, False),
        ({"error": "Недостаточно средств"}, 400, 600, False),
    ],
)
def test_every_method_pauses_its_account(
    method: str, body: Any, status: int, seconds: float, all_requests: bool
) -> None:
    """A payment refused for money leaves reading alone; whatever else is refused, and every read, stops both."""
    pause = pause_after(body, status, method)
    assert pause is not None
    assert pause.seconds == seconds
    assert pause.paid_only == (method in PAID and not all_requests)


@pytest.mark.parametrize("method", sorted(SCHEMAS))
def test_a_wrong_address_pauses_but_an_unknown_message_does_not(method: str) -> None:
    of_no_id = {*PAID, "sendViberMessageList", "getViberMessages"}
    assert (pause_after(b"Page not found", 404, method) is not None) == (method in of_no_id)


def test_the_pause_names_the_words() -> None:
    pause = pause_after({"error": "Данный токен не найден"}, 200, "getNewIncomingMessages")
    assert pause is not None
    assert "Данный токен не найден" in pause.reason


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        ("17.5", 17.5),
        (" 17 ", 17),
        ("0", 1),
        ("999999999", 3600),
        ("9" * 5000, 3600),
        ("-5", 120),
        ("soon", 120),
        ("", 120),
        ("nan", 120),
        ("1e9", 120),
        ("١٧", 120),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("Tue, 01 Jan 0001 00:00:30 +2359", 1),
        (None, 120),
    ],
)
def test_retry_after_is_bounded(header: str | None, seconds: float) -> None:
    pause = pause_after({}, 429, "statusBulkViber", header)
    assert pause is not None
    assert pause.seconds == seconds


def test_retry_after_as_a_date() -> None:
    header = (NOW + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert retry_after_s(header, NOW) == 30


@given(st.text(max_size=60))
def test_any_retry_after_is_read(header: str) -> None:
    value = retry_after_s(header, NOW)
    assert value is None or value >= 0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429])
@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("sendBulkViber", {"uuid": "cc9c8043-8caf-11ef-b035-9e8f47954dec", "success": "OK"}),
        ("sendBulkViber", {"uuid": "cc9c8043-8caf-11ef-b035-9e8f47954dec"}),
        ("sendBulkViber", {"success": "ok"}),
        ("sendBulkViber", {"success": True, "error": ""}),
        ("sendBulkViber", b'{"uuid": "cc9c8043-8caf-11ef-b035-9e8f47954dec", "succ'),
        ("sendQuickViberMessage", {"status": "OK", "result": {"message_id": 8484}}),
        ("sendQuickViberMessage", {"result": {"viber_id": "8484"}}),
        ("sendQuickViberMessage", {"error": "x", "result": [{"message_id": 8484}]}),
        ("sendQuickViberMessage", b'{"status":"O","result":{"message_id":8484'),
        ("confirmViberMessage", {"status": "OK"}),
    ],
)
def test_signs_of_success_beside_a_refusal_are_doubt(method: str, body: Any, status: int) -> None:
    """Whatever the status says: what carries an id may have been sent."""
    error = failure(body, status, method)
    assert type(error) is OutcomeUnknownError
    assert error.may_have_been_sent
    assert (pause_for(error, SETTINGS, paid=True) is not None) == (status == 429)


def test_a_read_has_nothing_to_doubt() -> None:
    assert type(failure({"status": "OK", "result": []}, 429, "getNewIncomingMessages")) is TooManyRequestsError


def test_unknown_words_are_of_the_content() -> None:
    assert type(failure({"error": "Wrong alphaname"}, 200, "sendBulkViber")) is ContentRefusedError


@pytest.mark.parametrize(
    ("status", "text", "sure"),
    [
        (200, "Insufficient funds", True),
        (200, "Insufficient image resolution", False),
        (200, "Доступ к картинке ограничен", False),
        (403, "", False),
        (401, "", True),
        (402, "", True),
        (400, "Invalid token", True),
        (200, "Превышен лимит запросов", True),
    ],
)
def test_what_may_be_the_contents_fault_after_all(status: int, text: str, sure: bool) -> None:
    assert beyond_doubt(status, text) is sure
