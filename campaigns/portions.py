"""Long sequences, a portion at a time: no script, command or round trip may grow with a campaign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def portions(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in their order, up to `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
