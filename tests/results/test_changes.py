"""Intake: whatever the gateway says, in whatever order, the state stays explainable."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from campaigns.answers.rows import DeliveryRows
from campaigns.answers.values import DeliveryRow
from campaigns.portions import portions
from campaigns.results.changes import ROWS_PER_CALL, Change, compare, counters, encoded_values, expire_unreported
from campaigns.statuses import DEFAULT_FINAL, UNKNOWN_FINAL, advances, rank

WORDS = ["NEW", "SENT", "DELIVERED", "READ", "UNDELIVERED", "EXPIRED", "PENDING", "нечто"]
PHONES = ["1", "2", "3"]


def row(phone: str, status: str, delivery_id: int | None = 7, code: int = 0) -> DeliveryRow:
    return DeliveryRow(phone, status, delivery_id, code, None)


def found(stored: dict[str, str], rows: list[DeliveryRow]) -> list[Change]:
    comparison = compare(
        stored, DeliveryRows.of(rows), phones=lambda: PHONES, final=DEFAULT_FINAL, now_ms=5, at_ms=lambda _: None
    )
    return comparison.changes


def values(changes: list[Change]) -> dict[str, str]:
    flat = encoded_values(changes)
    return dict(zip(flat[::2], flat[1::2], strict=True))


answers = st.lists(st.lists(st.tuples(st.sampled_from([*PHONES, "someone else"]), st.sampled_from(WORDS)), max_size=6))


@given(answers)
def test_any_sequence_of_answers(sequence: list[list[tuple[str, str]]]) -> None:
    """Reordered, repeated, partial: ranks never fall, counters agree with rows, unknown phones stay out."""
    stored: dict[str, str] = {}
    words: Counter[str] = Counter()
    final = 0
    for answer in sequence:
        before = {phone: value.split("|")[0] for phone, value in stored.items()}
        changes = found(stored, [row(phone, status) for phone, status in answer])
        delta, finals = counters(changes, DEFAULT_FINAL)
        words.update(delta)
        final += finals
        stored |= values(changes)
        for phone, value in stored.items():
            status = value.split("|")[0]
            assert rank(status) >= rank(before[phone]) if phone in before else True
    assert set(stored) <= set(PHONES)
    counted = Counter(value.split("|")[0] for value in stored.values())
    assert {word: number for word, number in words.items() if number} == counted
    assert final == sum(number for word, number in counted.items() if word in DEFAULT_FINAL)


@given(answers)
def test_the_same_answer_twice_changes_nothing(sequence: list[list[tuple[str, str]]]) -> None:
    stored: dict[str, str] = {}
    for answer in sequence:
        rows = [row(phone, status) for phone, status in answer]
        stored |= values(found(stored, rows))
        once_more = found(stored, rows[-1:])
        assert all(advances(stored[c.phone].split("|")[0], c.status) for c in once_more)


def test_delivered_stays_delivered() -> None:
    assert found({"1": "DELIVERED|1|7|0"}, [row("1", "UNDELIVERED")]) == []
    assert found({"1": "UNDELIVERED|1|7|1"}, [row("1", "DELIVERED")])[0].status == "DELIVERED"
    assert found({"1": "READ|1|7|0"}, [row("1", "DELIVERED"), row("1", "SENT")]) == []


def test_value_is_as_documented() -> None:
    (change,) = found({}, [row("1", "SENT", 99, 3)])
    assert encoded_values([change]) == ["1", "SENT|5|99|3"]
    assert encoded_values(found({}, [row("1", "SENT", None)])) == ["1", "SENT|5||0"]


def test_no_status() -> None:
    stored = {"1": "READ|1|7|0", "2": "SENT|1|8|0"}
    changes = expire_unreported(stored, PHONES, final=DEFAULT_FINAL, now_ms=9)
    assert [(c.phone, c.before, c.status, c.delivery_id) for c in changes] == [
        ("2", "SENT", UNKNOWN_FINAL, 8),
        ("3", "", UNKNOWN_FINAL, None),
    ]
    assert expire_unreported({"1": "DELIVERED|1|7|0"}, ["1"], final=DEFAULT_FINAL, now_ms=9) == []


def test_a_late_status_replaces_unknown_final() -> None:
    assert found({"1": "UNKNOWN_FINAL|1||0"}, [row("1", "READ")])[0].status == "READ"


def test_portions() -> None:
    changes = [Change(str(n), "NEW", 1, None, 0, "") for n in range(2201)]
    assert [len(portion) for portion in portions(changes, ROWS_PER_CALL)] == [1000, 1000, 201]
