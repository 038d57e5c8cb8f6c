"""A short run of the messages at the door; `python -m tests.fuzz door` makes more of them."""

from __future__ import annotations

from tests.fuzz import door


def test_whatever_comes_in_ends_somewhere_and_tells_no_phone() -> None:
    assert door.run(400, seed=1) == 400
