"""The limiter that all workers share."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from campaigns.accounts.limiter import Breaker, Limiter, Permit, Wait
from campaigns.acts import Act, Deed
from campaigns.errors import PermitDeniedError, StoreError
from campaigns.settings import Rate, Settings
from campaigns.store.client import Store
from campaigns.store.embedded import EmbeddedServer
from campaigns.store.keys import Keys
from campaigns.wiring import connect


def limiter(store: Store, requests: int = 0, window_s: float = 1.0, concurrency: int = 100, **more: Any) -> Limiter:
    fields: dict[str, Any] = {"read_share": 0.5, "permit_life_s": 5.0, **more}
    return Limiter(store, rate=Rate(requests, window_s), concurrency=concurrency, **fields)


def permit(found: Permit | Wait) -> Permit:
    assert isinstance(found, Permit), found
    return found


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
        """While a campaign takes whatever it can get, a quick message waits for nobody."""
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

    def test_nothing_is_kept_for_who_sends_none(self, store: Store) -> None:
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


def test_rest(store: Store) -> None:
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


def test_exact_across_eight_processes(server: EmbeddedServer, prefix: str) -> None:
    """Nobody of eight processes ever makes it more than the limit in any window, whatever each of them sends."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(8) as pool:
        moments = pool.starmap(_acquire_many, [(server.url, prefix, 6)] * 8)
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


class TestBreaker:
    """A pause for failures ends by itself: one request at a time tries, at growing intervals."""

    FIRST_S, LONGEST_S = 0.15, 0.5

    def limits(self, store: Store, **more: Any) -> Limiter:
        return limiter(store, breaker=Breaker(2, self.FIRST_S, self.LONGEST_S), **more)

    def fail(self, limits: Limiter, times: int, outcome: str = "failed", *, quick: bool = False) -> None:
        for _ in range(times):
            got = permit(limits.acquire("a", quick=quick, patience_s=2))
            limits.release(got, used=True, outcome=outcome)

    def wait_s(self, limits: Limiter, *, quick: bool = False) -> float:
        found = limits.acquire("a", quick=quick, patience_s=0)
        assert isinstance(found, Wait)
        assert found.why == "paused"
        return found.seconds

    def test_it_opens_for_what_is_paid_only(self, store: Store) -> None:
        limits = self.limits(store)
        self.fail(limits, 2)
        assert self.wait_s(limits) <= self.FIRST_S
        assert self.wait_s(limits, quick=True) <= self.FIRST_S
        with limits.read_permit("a", "getViberMessages", patience_s=0):
            pass

    def test_one_request_tries_at_a_time(self, store: Store) -> None:
        limits = self.limits(store)
        self.fail(limits, 2)
        trying = permit(limits.acquire("a", patience_s=1))
        assert 0 < self.wait_s(limits) <= 1
        assert 0 < self.wait_s(limits, quick=True) <= 1
        limits.release(trying, used=True, outcome="ok")
        held = [permit(limits.acquire("a", patience_s=0)) for _ in range(3)]
        assert len(held) == 3
        assert limits.pause_of("a") is None

    def test_pauses_grow_up_to_the_longest(self, store: Store) -> None:
        limits = self.limits(store)
        self.fail(limits, 2)
        waits = []
        for _ in range(3):
            trying = permit(limits.acquire("a", patience_s=2))
            limits.release(trying, used=True, outcome="failed")
            waits.append(self.wait_s(limits))
        assert self.FIRST_S < waits[0] <= 2 * self.FIRST_S
        assert 2 * self.FIRST_S < waits[1] <= self.LONGEST_S
        assert waits[2] <= self.LONGEST_S

    def test_a_try_whose_worker_died_blocks_nobody_for_ever(self, store: Store) -> None:
        limits = self.limits(store, permit_life_s=0.3)
        self.fail(limits, 2)
        permit(limits.acquire("a", patience_s=1))
        assert isinstance(limits.acquire("a", patience_s=0), Wait)
        permit(limits.acquire("a", patience_s=1))

    def test_a_try_that_made_no_request_gives_way(self, store: Store) -> None:
        limits = self.limits(store)
        self.fail(limits, 2)
        limits.release(permit(limits.acquire("a", patience_s=1)), used=False)
        permit(limits.acquire("a", patience_s=0))

    def test_an_answer_that_refuses_the_content_closes_it(self, store: Store) -> None:
        limits = self.limits(store)
        self.fail(limits, 2)
        limits.release(permit(limits.acquire("a", patience_s=1)), used=True, outcome="refused")
        assert limits.pause_of("a") is None
        self.fail(limits, 1, "refused")
        assert limits.pause_of("a") is not None

    def test_late_outcomes_neither_close_nor_prolong_it(self, store: Store) -> None:
        limits = self.limits(store)
        early = [permit(limits.acquire("a")) for _ in range(2)]
        self.fail(limits, 2)
        limits.release(early[0], used=True, outcome="failed")
        limits.release(early[1], used=True, outcome="ok")
        assert self.wait_s(limits) <= self.FIRST_S

    def test_the_same_release_twice_counts_once(self, store: Store) -> None:
        limits = self.limits(store)
        self.fail(limits, 2)
        trying = permit(limits.acquire("a", patience_s=1))
        for _ in range(3):
            limits.release(trying, used=True, outcome="failed")
        assert self.wait_s(limits) <= 2 * self.FIRST_S

    def test_resuming_ends_it(self, store: Store) -> None:
        limits = self.limits(store)
        self.fail(limits, 2)
        limits.resume("a", Act(Deed.ACCOUNT_RESUMED, "a"))
        held = [permit(limits.acquire("a", patience_s=0)) for _ in range(2)]
        assert len(held) == 2

    def test_one_of_many_workers_tries(self, server: EmbeddedServer, store: Store, prefix: str) -> None:
        self.fail(self.limits(store), 2)
        workers = [self.limits(Store(connect(Settings(redis_url=server.url)), Keys(prefix))) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda worker: worker.acquire("a", patience_s=self.FIRST_S), workers))
        assert sum(isinstance(one, Permit) for one in found) == 1
