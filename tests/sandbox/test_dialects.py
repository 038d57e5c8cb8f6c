"""Dialects: what a gateway may answer otherwise while it means the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from campaigns.sandbox.dialects import DIALECTS, DOCUMENTED, Trait, in_dialect, received, sentences, traits_of
from campaigns.sandbox.options import Options
from campaigns.sandbox.parameters import bracketed, listed
from campaigns.sandbox.server import Sandbox
from tests.support.jobs import sample
from tests.support.raw_requests import TOKEN, by_form, by_json, by_query, raw

ROWS = {"status": "OK", "result": [{"delivery_id": 100, "phone": "375293332211", "status": "READ", "error_code": 0}]}
TEXTS = {"name": "Sale \U0001f600 & more", "message": "", "errors": ["Sale \U0001f600: no"]}


class TestPure:
    """One documented answer, told in each dialect."""

    @pytest.mark.parametrize("method", ["statusBulkViber", "getViberMessages", "getNewIncomingMessages"])
    def test_documented_is_the_contracts_sample(self, method: str) -> None:
        answer = sample(f"{method}.response")
        assert in_dialect(method, answer, traits_of(DOCUMENTED)) == answer

    @pytest.mark.parametrize(
        ("dialect", "row"),
        [
            ("plus", {"delivery_id": 100, "phone": "+375293332211", "status": "READ", "error_code": 0}),
            ("numbers", {"delivery_id": "100", "phone": 375293332211, "status": "READ", "error_code": "0"}),
            ("lowercase", {"delivery_id": 100, "phone": "375293332211", "status": "read", "error_code": 0}),
            ("masking", {"delivery_id": 100, "phone": "37529***2211", "status": "READ", "error_code": 0}),
            ("plus+Lowercase", {"delivery_id": 100, "phone": "+375293332211", "status": "read", "error_code": 0}),
        ],
    )
    def test_rows(self, dialect: str, row: dict[str, Any]) -> None:
        answer = in_dialect("getViberDeliveryList", ROWS, traits_of(dialect))
        assert answer == {"status": "OK", "result": [row]}

    def test_masks_are_in_one_method_only(self) -> None:
        assert in_dialect("getViberDeliveryData", ROWS, traits_of("masking")) == ROWS

    @pytest.mark.parametrize(
        ("dialect", "name", "error"),
        [
            ("questioning", "Sale ? & more", "Sale ?: no"),
            ("escaping", "Sale \U0001f600 &amp; more", "Sale \U0001f600: no"),
        ],
    )
    def test_texts(self, dialect: str, name: str, error: str) -> None:
        assert in_dialect("statusBulkViber", TEXTS, traits_of(dialect)) == {
            "name": name,
            "message": "",
            "errors": [error],
        }

    def test_trimming(self) -> None:
        trimming = traits_of("trimming")
        asked = {"name": " a\u200b\n", "rows": [{"text": "  "}], "n": 1}
        assert received(asked, trimming) == {"name": "a", "rows": [{"text": None}], "n": 1}
        assert received(asked, frozenset()) == asked
        assert in_dialect("getViberMessages", {"message": ""}, trimming) == {"message": None}

    def test_lists_as_objects(self) -> None:
        objects = traits_of("objects")
        assert in_dialect("statusBulkViber", ["a", "b", "c"], objects) == {"0": "a", "2": "b", "3": "c"}
        assert in_dialect("statusBulkViber", [], objects) == []

    def test_every_trait_has_a_name_and_a_sentence(self) -> None:
        assert set(sentences()) == set(DIALECTS)
        assert all(traits_of(trait.word) == {trait} for trait in Trait)

    def test_no_such_dialect(self) -> None:
        with pytest.raises(ValueError, match="no dialect 'klingon'; there are documented, trimming, "):
            traits_of("plus+klingon")


class TestBrackets:
    """Arrays in query and form, as PHP reads them."""

    @pytest.mark.parametrize(
        ("pairs", "values"),
        [
            ([("a", "1"), ("a", "2")], {"a": "2"}),
            ([("a[]", "1"), ("a[]", "2")], {"a": ["1", "2"]}),
            ([("a[x][y]", "1"), ("a[x][z]", "2")], {"a": {"x": {"y": "1", "z": "2"}}}),
            ([("a[2]", "1"), ("a[7]", "2")], {"a": ["1", "2"]}),
            ([("a", "1"), ("a[x]", "2")], {"a": {"x": "2"}}),
            ([("a[b", "1"), ("[x]", "2")], {"a[b": "1", "[x]": "2"}),
            ([("a" + "[b]" * 65, "1")], {}),
        ],
    )
    def test_reading(self, pairs: list[tuple[str, str]], values: Any) -> None:
        assert listed(bracketed(pairs)) == values

    @pytest.mark.parametrize("call", [by_query, by_form])
    def test_a_whole_mailing(self, sandbox: Sandbox, call: Any) -> None:
        flat = {
            **TOKEN,
            "messages[0][name]": "one",
            "messages[0][alphaname_id]": "444",
            "messages[0][message_type]": "personal",
            "messages[0][content][type]": "text",
            "messages[0][delivery_list][0][phone]": "375291111111",
            "messages[0][delivery_list][0][text]": "first",
            "messages[0][delivery_list][1][phone]": "375292222222",
            "messages[0][delivery_list][1][text]": "second",
        }
        assert call(sandbox, "/api/v1/sendBulkViber", flat)["success"] == "OK"
        assert [(row["phone"], row["text"]) for row in sandbox.ledger()] == [
            ("375291111111", "first"),
            ("375292222222", "second"),
        ]

    def test_two_values(self, sandbox: Sandbox) -> None:
        """Ids of replies as an array."""
        ids = {"incoming_messages[0]": "1", "incoming_messages[1]": "2"}
        answer = by_form(sandbox, "/api/v2/readResponseStatus", {**TOKEN, **ids})
        assert answer["result"] == "Number of flagged messages: 0"


QUICK = {**TOKEN, "vibername_id": 7, "phone": "375291111111", "message": " hi ", "type_message": "TEXT"}


class TestServed:
    """The same over HTTP, and where a dialect does more than tell."""

    @pytest.fixture
    def still(self) -> Iterator[Sandbox]:
        with Sandbox(options=Options(speed=0.001)) as sandbox:
            yield sandbox

    def listing(self, sandbox: Sandbox, **more: Any) -> Any:
        return by_form(sandbox, "/api/v2/getViberMessages", {**TOKEN, **more})["result"]

    def test_framework(self, still: Sandbox) -> None:
        still.change(dialect="framework")
        status, answer, _ = raw(still, "/api/v2/sendQuickViberMessage", form=QUICK, encoding="utf-8-sig")
        assert (status, answer) == (200, {"status": "OK", "result": {"message_id": "8001"}})
        assert [row["text"] for row in still.ledger()] == ["hi"]
        _, answer, _ = raw(still, "/api/v2/getViberMessages", form=TOKEN, encoding="utf-8-sig")
        row = answer["result"]["0"]
        assert (row["message_id"], row["message_type"], row["button_link"]) == ("8001", "text", None)
        still.change(dialect="documented")
        assert self.listing(still)[0]["button_link"] == ""

    def test_a_name_is_shortened_in_its_error_too(self, still: Sandbox) -> None:
        still.change(dialect="shortening")
        uuid = by_json(still, "/api/v1/sendBulkViber", {**TOKEN, "messages": [{"name": "n" * 30}]})["uuid"]
        status = by_json(still, "/api/v1/statusBulkViber", {**TOKEN, "uuid": uuid})
        assert status == [{"errors": [f"{'n' * 20}: Message type is not valid"]}]

    def test_hiding(self, still: Sandbox) -> None:
        by_form(still, "/api/v2/sendQuickViberMessage", QUICK)
        created = by_form(still, "/api/v2/sendViberMessageList", {**QUICK, "list_id": 1})["result"]
        still.change(dialect="hiding")
        assert [row["message_id"] for row in self.listing(still)] == [created["message_id"]]

    def test_lagging(self, still: Sandbox) -> None:
        by_form(still, "/api/v2/sendQuickViberMessage", QUICK)
        still.change(dialect="lagging", listing_delay_s=600)
        assert self.listing(still) == []
        still.change(dialect="documented", listing_delay_s=0)
        assert len(self.listing(still)) == 1

    def test_capping(self, still: Sandbox) -> None:
        for _ in range(12):
            by_form(still, "/api/v2/sendQuickViberMessage", QUICK)
        still.change(dialect="capping")
        assert len(self.listing(still, limit_rows=100)) == 10
        assert len(self.listing(still, limit_rows=100, limit_offset=10)) == 2

    @pytest.mark.parametrize("method", ["sendQuickViberMessage", "sendViberMessageList"])
    def test_the_older_paths(self, still: Sandbox, method: str) -> None:
        asked = {**QUICK, "list_id": 1}
        newer = by_form(still, f"/api/v2/{method}", asked)["result"]
        older = by_form(still, f"/api/v1/{method}", asked)["result"]
        assert older.pop("viber_id") == newer.pop("message_id") + 1
        assert older == newer

    def test_a_wrong_dialect_is_refused_and_nothing_changes(self, still: Sandbox) -> None:
        with pytest.raises(ValueError, match="no dialect 'x'"):
            still.change(dialect="x")
        with pytest.raises(ValueError, match="dialect must be text"):
            still.change(dialect=7)
        assert still.service.state.options.dialect == DOCUMENTED
