"""What others wrote cannot act where it is shown, and nothing that people write is spoilt."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.text.harmless import ascii_json, harmless, harmless_lines, json_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\x9b31mb", "a\\x9b31mb"),
        ("up\x1b[1A\rover", "up\\x1b[1A\\rover"),
        ("sent\nrefused", "sent\\nrefused"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("\u202etxt.exe\u2066x", "\\u202etxt.exe\\u2066x"),
        ("S\u200bT\u200dO\u2060P\ufeff", "S\\u200bT\\u200dO\\u2060P\\ufeff"),
        ("half \ud83d", "half \\ud83d"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("\x00\x7f", "\\x00\\x7f"),
    ],
)
def test_what_would_act_is_written_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize(
    "text", ["Да, спасибо!", "你好", "e\u0301", "🧑🏽‍🚀 👨‍👩‍👧 ❤️‍🔥", "[/bold] <b>", "1\xa0000", "\\x1b", "مرحبا"]
)
def test_what_people_write_stays(text: str) -> None:
    assert harmless(text) == harmless_lines(text) == text


def test_lines_stay_lines_where_there_may_be_several() -> None:
    assert harmless_lines("a\n\tb\x1b\r\n") == "a\n\tb\\x1b\r\n"


@pytest.mark.parametrize(
    "value",
    [
        {"name": "\x1b[31m\u202e\x9b\u200b", "emoji": "🎉", "tag": "\U000e0041"},
        "half \ud83d",
        {"number": 2**70},
        {1: ["a"]},
        "Скидки",
    ],
)
def test_json_loses_nothing_and_does_not_act(value: Any) -> None:
    line = json_line(value)
    assert harmless(line) == line
    keyed = {str(key): inner for key, inner in value.items()} if isinstance(value, dict) else value
    assert json.loads(line) == keyed
    assert json.loads(ascii_json(line)) == keyed
    assert ascii_json(line).isascii()


def test_times_are_written_the_same_beside_half_a_character() -> None:
    at = datetime(2030, 5, 1, 12, tzinfo=UTC)
    assert json.loads(json_line([at, "x"]))[0] == json.loads(json_line([at, "\ud83d"]))[0] == at.isoformat()
