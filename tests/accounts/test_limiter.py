"""The limiter that all workers share."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit, Wait
from campaigns.acts import Act, Deed
from campaigns.errors import PermitDeniedError, StoreError
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.embedded import EmbeddedServer
from campaigns.store.keys import Keys
from campaigns.wiring import connect
from tests.accounts.limits import limiter, permit


def test_rate_is_smooth_and_bounded(store: Store) -> None:
    limits = limiter(store, 10, 0.5)
    granted = []
    for _ in range(25):
        got = permit(limits.acquire("a"))
        granted.append(time.monotonic())
        limits.release(got, used=True)
    assert most_in_any(granted, 0.5) <= 10


def most_in_any(moments: Sequence[float], window_s: float) -> int:
    ordered = sorted(moments)
    return max(sum(1 for other in ordered if first <= other < first + window_s) for first in ordered)


def test_a_slot_outlives_its_request(store: Store) -> None:
    """However long a request takes to arrive, the window after its end is part of its slot."""
    limits = limiter(store, 1, 0.3)
    first = permit(limits.acquire("a"))
    time.sleep(0.35)
    assert isinstance(limits.acquire("a", patience_s=0), Wait)
    limits.release(first, used=True)
    assert isinstance(limits.acquire("a", patience_s=0), Wait)
    time.sleep(0.31)
    permit(limits.acquire("a", patience_s=0))


def test_unused_slots_come_back(store: Store) -> None:
    limits = limiter(store, 1, 10.0)
    limits.release(permit(limits.acquire("a")), used=False)
    wait = limits.acquire("a", patience_s=0)
    # Only the spacing is left, not the slot.
    assert isinstance(wait, Wait)
    assert wait.seconds <= 10


def test_concurrency(store: Store) -> None:
    limits = limiter(store, concurrency=2)
    held = [permit(limits.acquire("a")) for _ in range(2)]
    refused = limits.acquire("a", patience_s=0)
    assert isinstance(refused, Wait)
    assert refused.why == "busy"
    permit(limits.acquire("another account"))
    limits.release(held[0], used=True)
    permit(limits.acquire("a"))


def test_permits_of_the_dead_end(store: Store) -> None:
    limits = limiter(store, concurrency=1, permit_life_s=0.2)
    permit(limits.acquire("a"))
    assert isinstance(limits.acquire("a", patience_s=0), Wait)
    time.sleep(0.25)
    permit(limits.acquire("a", patience_s=0))


def test_reads_never_use_all(store: Store) -> None:
    limits = limiter(store, concurrency=4)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(limits.read_permit("a", "getViberMessages"))
        with pytest.raises(PermitDeniedError), limits.read_permit("a", "getViberMessages", patience_s=0):
            pytest.fail("must not be entered")
        permit(limits.acquire("a", patience_s=0))


class TestFastLane:
    """Quick messages beside a large campaign of the same account."""

    def test_quick_messages_overtake(self, store: Store) -> None:
        """While a campaign takes whatever it can get, a quick message does not wait."""
        limits = limiter(store, 20, 1.0)
        limits.release(permit(limits.acquire("a", quick=True)), used=True)
        granted, until = [], time.monotonic() + 2.5
        while time.monotonic() < until:
            if isinstance(got := limits.acquire("a", patience_s=0.02), Permit):
                granted.append(time.monotonic())
                limits.release(got, used=True)
            if len(granted) % 12 == 11:
                started_s = time.monotonic()
                limits.release(permit(limits.acquire("a", quick=True, patience_s=0)), used=True)
                granted.append(started_s)
        assert len(granted) > 30
        assert most_in_any(granted, 1.0) <= 20

    def test_a_campaign_of_quick_messages_leaves_room(self, store: Store) -> None:
        limits = limiter(store, 20, 1.0)
        granted = {True: 0, False: 0}
        until = time.monotonic() + 3
        while time.monotonic() < until:
            for quick in (True, False):
                if isinstance(got := limits.acquire("a", quick=quick, patience_s=0.03), Permit):
                    granted[quick] += 1
                    limits.release(got, used=True)
        assert granted[False] > granted[True] / 4

    def test_nothing_is_reserved_without_quick_messages(self, store: Store) -> None:
        limits = limiter(store, 20, 60.0)
        for _ in range(20):
            limits.release(permit(limits.acquire("a", patience_s=5)), used=True)
            store.redis.hdel(store.keys.account("a"), "next_us")
        assert isinstance(limits.acquire("a", quick=True, patience_s=0), Wait)

    def test_one_of_the_requests_at_once_is_left(self, store: Store) -> None:
        limits = limiter(store, concurrency=2)
        limits.release(permit(limits.acquire("a", quick=True)), used=True)
        permit(limits.acquire("a"))
        assert isinstance(limits.acquire("a", patience_s=0), Wait)
        permit(limits.acquire("a", quick=True, patience_s=0))


def test_pause(store: Store) -> None:
    limits = limiter(store)
    limits.pause("a", 60, 'said "no"', {"batch": "b"})
    limits.pause("a", 5, "shorter")
    refused = limits.acquire("a")
    assert isinstance(refused, Wait)
    assert refused.why == "paused"
    assert 50 < refused.seconds <= 60
    pause_of = limits.pause_of("a")
    assert pause_of is not None
    assert pause_of[1] == 'said "no"'
    permit(limits.acquire("b"))
    limits.resume("a", Act(Deed.ACCOUNT_RESUMED, "a"))
    permit(limits.acquire("a"))


def test_failures_in_a_row(store: Store) -> None:
    limits = limiter(store)
    counts = [
        limits.release(permit(limits.acquire("a")), used=True, outcome=outcome)
        for outcome in ("failed", "failed", "", "ok", "failed")
    ]
    assert counts == [1, 2, 2, 0, 1]


def test_reading_without_a_permit(store: Store) -> None:
    limits = limiter(store)
    limits.pause("a", 60, "no")
    with pytest.raises(PermitDeniedError) as caught, limits.read_permit("a", "getViberMessages"):
        pytest.fail("must not be entered")
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 50
    assert str(caught.value) == "getViberMessages: not asked: the account is paused"


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ({"concurrency": 1}, "the account has as many requests under way as it may"),
        ({"requests": 1, "window_s": 60.0}, "the account's limit of requests is used up at the moment"),
    ],
)
def test_why_nothing_was_asked_in_words_for_people(store: Store, limit: dict[str, Any], why: str) -> None:
    limits = limiter(store, **limit)
    with limits.read_permit("a", "getViberMessages", patience_s=0):
        second = limits.read_permit("a", "getViberMessages", patience_s=0)
        with pytest.raises(PermitDeniedError) as caught, second:
            pytest.fail("must not be entered")
    assert caught.value.reason == f"not asked: {why}"


def test_fails_closed(free_port: int) -> None:
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port}/0")
    client = connect(settings)
    client.connection_pool.connection_kwargs["retry"]._retries = 1
    with pytest.raises(StoreError):
        limiter(Store(client, Keys("x:"))).acquire("a")


def test_exact_across_processes(server: EmbeddedServer, prefix: str) -> None:
    """Four processes together never send more than the limit in any window, whatever each of them sends."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        moments = pool.starmap(_acquire_many, [(server.url, prefix, 12)] * 4)
    granted = [moment for some in moments for moment in some]
    assert len(granted) == 48
    assert most_in_any(granted, 1.0) <= 20


def _acquire_many(url: str, prefix: str, number: int) -> list[float]:
    limits = limiter(Store(connect(Settings(redis_url=url)), Keys(prefix)), 20, 1.0)
    moments = []
    for which in range(number):
        got = permit(limits.acquire("a", quick=which % 2 == 1, patience_s=30))
        moments.append(time.time())
        limits.release(got, used=True)
    return moments
