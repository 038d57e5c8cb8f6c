"""Enqueues at a peer: `python -m tests.benchmarks.singles.peers.producing MODULE FIRST NUMBER`.

A program of its own, since a task is known by the module that defines it. Prints when the first message was enqueued
and when all of them were, in seconds of the machine's monotonic clock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from importlib import import_module

TEXT = "quick hello"


def main(module: str, first: int, number: int) -> None:
    began_s: list[float] = []

    def messages() -> Iterator[tuple[str, str]]:
        began_s.append(time.monotonic())
        for n in range(first, first + number):
            yield f"37529{n:07d}", TEXT

    import_module(module).produce(messages())
    print(began_s[0], time.monotonic())  # noqa: T201 (its parent reads this)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
