"""Which mailing of a batch an answer speaks of, however it spells names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.flow.matching import Matched, match, same_name
from campaigns.gateway.meaning import Answer, interpret
from campaigns.ledger.records import MailingRecord

FIRST, SECOND, THIRD = ["375291111111", "375291111112"], ["375292222221", "375292222222"], ["375293333331"]


def record(name: str, alias: str = "") -> MailingRecord:
    return MailingRecord(name, 0, 2, None, "f", "bulk", alias)


def element(name: Any, phones: list[Any], message_id: Any = None) -> dict[str, Any]:
    rows = [{"phone": phone, "status": "SENT", "delivery_id": 1} for phone in phones]
    return {"name": name, "message_id": message_id, "success": rows}


def matched(names: list[str], people: list[list[str]], elements: list[Any], known: Any = None) -> Matched:
    status = interpret(Answer("statusBulkViber", 200, None, json.dumps(elements).encode()))
    return match([record(name) for name in names], known or {}, lambda: people, status)


def people_of(found: Matched) -> dict[int, list[str]]:
    return {number: [row.phone for row in rows] for number, rows in found.rows.items()}


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        ("Sale", " Sale "),
        ("Sale &amp; more", "Sale & more"),
        ("Sale &amp;amp; more", "Sale & more"),
        ('Sale \\"x\\"', 'Sale "x"'),
        ("Everything must g", "Everything must go"),
        ("Everything must...", "Everything must go"),
        ("Everything?must go", "Everything\U0001f600must go"),
        ("Everything ???? go", "Everything \U0001f600 go"),
        ("SALE  today", "sale today"),
    ],
)
def test_altered_names_are_known_again(listed: str, sent: str) -> None:
    assert same_name(listed, sent)


@pytest.mark.parametrize(("listed", "sent"), [("Sale", "Sale 10"), ("", "Sale"), ("?", "Sale"), ("Sales 2", "Sales 3")])
def test_other_names_are_not(listed: str, sent: str) -> None:
    assert not same_name(listed, sent)


def test_ids_decide_before_names() -> None:
    found = matched(["a", "b"], [[], []], [element("b", FIRST, 5)], known={0: (5,)})
    assert people_of(found) == {0: FIRST}


def test_people_decide_where_the_name_is_lost() -> None:
    found = matched(["first", "second"], [FIRST, SECOND], [element("x", SECOND, 6), element(None, FIRST, 5)])
    assert people_of(found) == {1: SECOND, 0: FIRST}
    assert found.ids == {1: (6,), 0: (5,)}


def test_a_name_that_was_cut_to_anothers_does_not_mix_people() -> None:
    answer = [element("Sale 1", SECOND, 6), {"errors": ["Sale 1: Content url is not valid"]}]
    found = matched(["Sale 1", "Sale 10"], [FIRST, SECOND], answer)
    assert people_of(found) == {1: SECOND}
    assert found.rejected == {0: "Sale 1: Content url is not valid"}


def test_order_decides_between_mailings_to_the_same_people() -> None:
    found = matched(["a", "b"], [FIRST, FIRST], [element("?", FIRST, 5), element("?", FIRST, 6)])
    assert found.ids == {0: (5,), 1: (6,)}


def test_masked_phones_are_matched_by_name_or_order() -> None:
    masked = ["37529***1111"]
    found = matched(["a", "b"], [FIRST, SECOND], [element("b", masked, 6), element("?", masked, 5)])
    assert found.ids == {1: (6,)}
    assert found.unmatched_mailings == 1
    found = matched(["a", "b"], [FIRST, SECOND], [element("", masked, 6), element("", masked, 5)])
    assert found.ids == {0: (6,), 1: (5,)}


def test_a_mailing_in_two_elements_keeps_both_ids() -> None:
    found = matched(["a"], [FIRST], [element("a", FIRST[:1], 5), element("a", FIRST[1:], 6)])
    assert people_of(found) == {0: FIRST}
    assert found.ids == {0: (5, 6)}


def test_foreign_mailings_are_counted_and_left_out() -> None:
    found = matched(["first"], [FIRST], [element("foreign", SECOND, 9), element("first", FIRST, 5)])
    assert found.ids == {0: (5,)}
    assert found.unmatched_mailings == 1


def test_refusals_under_altered_names_are_noticed() -> None:
    names = ["Everything must go \U0001f600", " trimmed name", "with: colon"]
    answer = [{"errors": ["Everything must go ?: no", "trimmed name: no"]}, {"errors": ["with: colon: no"]}]
    assert matched(names, [FIRST, SECOND, THIRD], answer).rejected == {
        0: "Everything must go ?: no",
        1: "trimmed name: no",
        2: "with: colon: no",
    }


def test_refusals_by_order_when_every_mailing_is_there() -> None:
    answer = [element("a", FIRST, 5), {"errors": ["Content url is not valid"]}]
    found = matched(["a", "b"], [FIRST, SECOND], answer)
    assert found.rejected == {1: "Content url is not valid"}
    assert matched(["a", "b", "c"], [FIRST, SECOND, THIRD], answer).unmatched_refusals == 1


def test_what_the_gateway_does_not_know_refuses_no_mailing() -> None:
    found = matched(["a"], [FIRST], [{"errors": ["a: undefined error"]}])
    assert found.rejected == {}
    assert found.unmatched_refusals == 1


def test_a_mailing_with_deliveries_is_never_refused() -> None:
    found = matched(["a"], [FIRST], [element("a", FIRST, 5), {"errors": ["a: no"]}])
    assert found.rejected == {}
