"""A short form of the million: see `python -m tests.fuzz answers`."""

from __future__ import annotations

from tests.fuzz.answers import run


def test_mutated_answers_raise_nothing_but_our_errors_and_say_nothing_private() -> None:
    assert run(3000, 7) == 3000
