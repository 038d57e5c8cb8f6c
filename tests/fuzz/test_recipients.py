"""A short run of the recipient files; `python -m tests.fuzz recipients` makes more of them."""

from __future__ import annotations

from tests.fuzz.recipients import run


def test_recipients_are_read_as_they_were_written_or_the_file_is_refused() -> None:
    assert run(1500, seed=3) == 1500
