"""Threads in which the requests of a turn wait for the gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from campaigns.flow.threads import Threads


@pytest.fixture
def threads() -> Iterator[Threads[int]]:
    made = Threads[int]()
    yield made
    made.close()
    for thread in waiting():
        thread.join(5)
    assert waiting() == []


def waiting() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "waiting"]


def all_of(threads: Threads[int]) -> list[int | BaseException]:
    found: list[int | BaseException] = []
    while threads.under_way:
        found += threads.ended(5)
    return found


def test_what_was_begun_overlaps(threads: Threads[int]) -> None:
    together = threading.Barrier(8, timeout=5)
    for _ in range(8):
        threads.begin(together.wait)
    assert sorted(all_of(threads)) == list(range(8))  # type: ignore[type-var]


def test_a_thread_that_is_free_does_what_comes_next(threads: Threads[int]) -> None:
    for _ in range(20):
        threads.begin(threading.get_ident)
        assert len(all_of(threads)) == 1
    assert len(waiting()) == 1


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_an_error_is_handed_on_and_its_thread_lives_on(threads: Threads[int], error: BaseException) -> None:
    def fail() -> int:
        raise error

    threads.begin(fail)
    assert all_of(threads) == [error]
    threads.begin(lambda: 1)
    assert all_of(threads) == [1]


def test_nobody_waits_for_longer_than_asked(threads: Threads[int]) -> None:
    assert threads.ended(None) == []
    go_on = threading.Event()
    threads.begin(lambda: int(go_on.wait(5)))
    began = time.monotonic()
    assert threads.ended(0.05) == []
    assert time.monotonic() - began < 2
    go_on.set()
    assert threads.ended(5) == [1]


def test_closing_waits_for_what_was_begun() -> None:
    threads, done = Threads[None](), list[int]()

    def slow() -> None:
        time.sleep(0.1)
        done.append(1)

    threads.begin(slow)
    threads.close()
    assert done == [1]
