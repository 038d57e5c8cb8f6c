"""The words of our prose: comments, docstrings, messages and documents avoid what has to be read twice."""

from __future__ import annotations

from functools import cache

import pytest

from tests.support.words import RULES, Hit, Rule, broken, hits


@cache
def found() -> dict[str, list[Hit]]:
    return hits()


@pytest.mark.parametrize("room", sorted(found()))
def test_prose_can_be_read_once(room: str) -> None:
    lines = [str(hit) for hit in found()[room]]
    assert lines == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.bad)
def test_each_rule_finds_a_bad_sentence(rule: Rule) -> None:
    assert rule.instead in {instead for _, _, instead in broken(rule.bad)}
    assert broken(rule.good) == []


def test_a_sentence_may_be_broken_into_lines() -> None:
    assert broken("It is noticed.\nIt waits for so\nlong.") == [(1, "so long", RULES[5].instead)]


def test_code_between_backticks_is_not_prose() -> None:
    assert broken("See `forget` and `so_long`.") == []
