"""What an answer means: success only if the body says so, and every refusal by its kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.answers.rows import HOME, DeliveryRows
from campaigns.answers.schemas import SCHEMAS
from campaigns.errors import (
    AccountRefusedError,
    ContentRefusedError,
    GatewayError,
    OutcomeUnknownError,
    TooManyRequestsError,
)
from campaigns.gateway.meaning import Answer, interpret, retry_after_s
from tests.support.jobs import sample


def answer(body: Any, status: int = 200, method: str = "sendBulkViber", retry_after: str | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(method, status, retry_after, raw)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"error": "Content is wrong"}, 200, ContentRefusedError),
        ({"status": "error", "message": "Content is wrong"}, 200, ContentRefusedError),
        ({"error": {"image": ["too large"]}}, 200, ContentRefusedError),
        ({"error": "Invalid token"}, 200, AccountRefusedError),
        ({"error": "Недостаточно средств"}, 200, AccountRefusedError),
        ({"error": "Insufficient funds"}, 200, AccountRefusedError),
        ({"error": "Too many requests"}, 200, AccountRefusedError),
        ({"error": "x"}, 400, ContentRefusedError),
        ({"message": "balance too low"}, 400, AccountRefusedError),
        ({}, 401, AccountRefusedError),
        ({}, 403, AccountRefusedError),
        (b"<html>Page not found</html>", 404, AccountRefusedError),
        ({}, 422, ContentRefusedError),
        ({}, 408, OutcomeUnknownError),
        ({}, 425, OutcomeUnknownError),
        ({"error": "Too many"}, 429, TooManyRequestsError),
        ({}, 301, OutcomeUnknownError),
        ({"error": "no"}, 500, OutcomeUnknownError),
        ({"uuid": "u", "success": "OK"}, 503, OutcomeUnknownError),
        (b"", 200, OutcomeUnknownError),
        (b"<html>", 200, OutcomeUnknownError),
        ([], 200, OutcomeUnknownError),
        ({"success": "OK"}, 200, OutcomeUnknownError),
        ({"uuid": "u"}, 200, OutcomeUnknownError),
        ({"uuid": "u", "success": "NO"}, 200, OutcomeUnknownError),
        (b'{"uuid": "u", "success": "O', 200, OutcomeUnknownError),
    ],
)
def test_kind(body: Any, status: int, kind: type[GatewayError]) -> None:
    with pytest.raises(GatewayError) as caught:
        interpret(answer(body, status))
    assert type(caught.value) is kind
    assert caught.value.http_status == status
    assert caught.value.may_have_been_sent == (kind is OutcomeUnknownError)


def test_gateway_text_is_kept() -> None:
    with pytest.raises(ContentRefusedError) as caught:
        interpret(answer({"error": "Картинка не подходит"}))
    assert caught.value.gateway_text == "Картинка не подходит"
    assert "Картинка не подходит" in str(caught.value)


def test_retry_after() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    assert retry_after_s("17", now) == 17
    assert retry_after_s("Tue, 01 Jan 2030 00:00:30 GMT", now) == 30
    assert retry_after_s("Mon, 31 Dec 2029 00:00:30 GMT", now) == 0
    assert retry_after_s("soon", now) is None
    assert retry_after_s(None, now) is None
    with pytest.raises(TooManyRequestsError) as caught:
        interpret(answer({}, 429, retry_after="9"))
    assert caught.value.retry_after_s == 9


@pytest.mark.parametrize("method", sorted(SCHEMAS))
def test_sample_answers_pass(method: str) -> None:
    document = sample(f"{method}.response")
    interpret(answer(document, method=method))


@pytest.mark.parametrize("method", sorted(SCHEMAS))
def test_new_fields_pass(method: str) -> None:
    """The gateway may add fields anywhere."""

    def grown(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{name: grown(inner) for name, inner in value.items()}, "new_field": [1]}
        return [grown(inner) for inner in value] if isinstance(value, list) else value

    before = interpret(answer(sample(f"{method}.response"), method=method))
    assert interpret(answer(grown(sample(f"{method}.response")), method=method)) == before


def test_ids_of_either_type() -> None:
    document = sample("statusBulkViber.response")
    document[0]["message_id"] = "1"
    document[0]["success"][0]["delivery_id"] = "1001"
    document[0]["alphaname_id"] = "123"
    as_text = interpret(answer(document, method="statusBulkViber"))
    assert as_text == interpret(answer(sample("statusBulkViber.response"), method="statusBulkViber"))


def test_strange_status_words_pass() -> None:
    document = sample("getViberDeliveryList.response")
    document["result"][0]["status"] = "НОВОЕ СЛОВО"
    assert next(iter(interpret(answer(document, method="getViberDeliveryList")))).status == "НОВОЕ СЛОВО"


def test_one_broken_row_costs_no_other() -> None:
    rows = DeliveryRows([{"phone": "1", "status": "NEW"}, None, {"phone": 2, "status": "READ"}, {"status": "x"}, 7])
    assert [(row.phone, row.status) for row in rows] == [("1", "NEW"), ("2", "READ")]
    assert rows.skipped == 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "status",
                    "result",
                    "error",
                    "success",
                    "uuid",
                    "message_id",
                    "phone",
                    "errors",
                    "id",
                    "name",
                    "message",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(sorted(SCHEMAS)), json_values | st.binary(), st.sampled_from([200, 200, 201, 302, 400, 429, 500])
)
def test_nothing_but_gateway_errors(method: str, body: Any, status: int) -> None:
    """Whatever comes back, a worker only ever meets our own errors."""
    try:
        interpret(answer(body, status, method))
    except GatewayError as error:
        assert error.method == method


def test_a_status_is_one_word_of_what_is_stored() -> None:
    document = sample("statusBulkViber.response")
    document[0]["success"][0]["status"] = "A|B\nC"
    (row, *_) = SCHEMAS["statusBulkViber"](document, HOME).mailings[0].rows
    assert row.status == "A_B_C"
