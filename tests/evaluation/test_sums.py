"""Counting one mailing over batches and statuses."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from campaigns.answers.rows import DeliveryRows
from campaigns.evaluation.hours import Hours
from campaigns.evaluation.sums import MOST_WORDS, OTHERS, MailingSums
from campaigns.ledger import Batch
from campaigns.ledger.states import BATCH_STATES
from campaigns.results.changes import Change, compare, encoded_values
from campaigns.statuses import DEFAULT_FINAL


def batch(state: str, recipients: int = 10, **more: str) -> Batch:
    mailings = [["a", 0, recipients, None, "f", "bulk"]]
    return Batch.read("c-0", {"state": state, "n": "10", "mailings": orjson.dumps(mailings).decode(), **more})


def sums() -> MailingSums:
    return MailingSums(DEFAULT_FINAL, Hours(UTC))


def counts(*batches: Batch, values: list[bytes] | None = None) -> dict[str, Any]:
    found = sums()
    for one in batches:
        found.add_part(one, 0)
    found.add_deliveries(values or [])
    return found.counts()


def test_every_state_has_its_place() -> None:
    found = counts(*(batch(state) for state in BATCH_STATES))
    places = ("sent", "waiting", "in_doubt", "refused", "cancelled")
    assert [found[place] for place in places] == [20, 20, 30, 10, 10]
    assert found["recipients"] == 10 * len(BATCH_STATES)


def test_a_mailing_that_was_refused_alone() -> None:
    found = counts(batch("accepted", **{"rejected:0": "no such name"}))
    assert (found["refused"], found.get("sent", 0)) == (10, 0)


def test_a_batch_without_recipients() -> None:
    assert counts(batch("cancelled", n="0"))["recipients"] == 0


def test_prices() -> None:
    found = counts(
        batch("accepted", **{"cost:0": "EUR=490000;"}), batch("settled", **{"cost:0": "EUR=10000;BYN=20000;"}),
        batch("accepted"),
    )  # fmt: skip
    assert found["costs"] == {"BYN": Decimal("0.02"), "EUR": Decimal("0.5")}
    assert found["unpriced"] == 1


def test_words_without_end() -> None:
    values = [b"W%d|1||%d" % (n, n) for n in range(2 * MOST_WORDS)] + [b"READ|1||0", b"FAILED|1||7"] * 2
    found = counts(values=values)
    assert len(found["statuses"]) == MOST_WORDS + 3
    assert found["statuses"][OTHERS] == MOST_WORDS
    assert (found["read"], found["failed"]) == (2, 2)


WORDS = st.sampled_from(["NEW", "SENT", "DELIVERED", "READ", "UNDELIVERED", "UNKNOWN_FINAL", "ODD"])


@given(st.lists(st.tuples(st.sampled_from(["375291111111", "375292222222"]), WORDS), max_size=12))
def test_answers_in_any_order_count_each_message_once(answers: list[tuple[str, str]]) -> None:
    """Statuses never go back, so what is stored, and with it what is counted, holds each message in its furthest one."""
    stored: dict[str, str] = {}
    for phone, word in answers:
        rows = DeliveryRows([{"phone": phone, "status": word}], "BY")
        compared = compare(stored, rows, phones=lambda: {"375291111111", "375292222222"}, final=DEFAULT_FINAL,
                           now_ms=1, at_ms=lambda _: 1)  # fmt: skip
        changes: list[Change] = compared.changes
        flat = encoded_values(changes)
        stored |= dict(zip(flat[::2], flat[1::2], strict=True))
    found = counts(values=[value.encode() for value in stored.values()])
    assert sum(found["statuses"].values()) == len({phone for phone, _ in answers})
    assert found["read"] == len({phone for phone, word in answers if word == "READ"})
    assert found["delivered"] == len({phone for phone, word in answers if word in {"READ", "DELIVERED"}})
