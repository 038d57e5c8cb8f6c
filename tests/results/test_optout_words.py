"""Replies that ask to be left alone, as people and telephones write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.results.optout_words import asks_to_stop

WORDS = frozenset({"stop", "стоп", "не пишите", "0"})
AROUND = st.text(
    st.sampled_from(" \t\n.,!?;:-_\"'«»„“”()[]*#\u200b\u200e\u2060\ufeff\u00a0\ufe0f\ufffd\x00🙏🏽❤️🇧🇾"), max_size=8
)


@given(AROUND, st.sampled_from(["STOP", "Stop", "стоп", "СТОП", "Не пишите", "0"]), AROUND)
def test_whatever_stands_around_the_word(before: str, word: str, after: str) -> None:
    assert asks_to_stop(before + word + after, WORDS)


@pytest.mark.parametrize(
    "message",
    [
        "CTOП", "SТОР", "\u0405TOP", "ｓｔｏｐ", "𝐒𝐓𝐎𝐏", "st\u00adop", "Стоп, стоп!", "stop stop STOP", "&laquo;Стоп&raquo;",
        "не\u00a0 пишите!!", "0\ufe0f\u20e3", "&quot;stop&quot;", "ΣTOP".replace("Σ", "S"),
    ],
)  # fmt: skip
def test_lookalikes_repetitions_and_escapes(message: str) -> None:
    assert asks_to_stop(message, WORDS)


@pytest.mark.parametrize(
    "message", ["", "   ", "!", "don't stop", "не стоп", "стопка", "stopping", "пишите", "100", "o"]
)
def test_other_replies_are_none(message: str) -> None:
    assert not asks_to_stop(message, WORDS)
    assert not asks_to_stop(message, frozenset())
    assert not asks_to_stop(message, frozenset({"", "!"}))


@given(st.text(max_size=600))
def test_any_reply_can_be_read(message: str) -> None:
    asks_to_stop(message, WORDS)
