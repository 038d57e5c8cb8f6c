"""What requests call mailings: names that come back as they were sent."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.planning.mailing_names import sent_names


@pytest.mark.parametrize("name", ["Spring sale", "Распродажа 2026", "mailing 1", "a-b_c.d, (e)", "Ё"])
def test_plain_names_are_sent_as_they_are(name: str) -> None:
    assert sent_names([name]) == [name]


@pytest.mark.parametrize(
    "name",
    [
        " Sale", "Sale ", "Spring  sale", "Sale\U0001f600", "Sale: today", "Sale & more", '"Sale"', "Sale's", "<b>",
        "a" * 21, "Sale\n", "50% off?", "A\\B", "\u200bSale", "e\u0301te", "",
    ],
)  # fmt: skip
def test_others_are_sent_under_a_short_plain_name(name: str) -> None:
    (sent,) = sent_names([name])
    assert sent != name
    assert re.fullmatch(r"[0-9A-Za-z-]{1,20}", sent)


def test_names_that_differ_in_case_only_are_told_apart() -> None:
    assert len({name.casefold() for name in sent_names(["Sale", "SALE", "sale-1"])}) == 3


def altered(name: str) -> str:
    """What a framework and an old database make of a name."""
    return html.escape(" ".join(name.split()))[:20].encode("cp1251", errors="replace").decode("cp1251")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_whatever_the_names_they_come_back_and_differ(names: list[str]) -> None:
    sent = sent_names(names)
    assert len({name.casefold() for name in sent}) == len(names)
    assert [altered(name) for name in sent] == sent
    assert not any(":" in name for name in sent)
