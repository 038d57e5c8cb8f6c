"""A pause for failures ends by itself: one request at a time tries, at growing intervals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from campaigns.accounts.limiter import Breaker, Limiter, Permit, Wait
from campaigns.acts import Act, Deed
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.embedded import EmbeddedServer
from campaigns.store.keys import Keys
from campaigns.wiring import connect
from tests.accounts.limits import limiter, permit

FIRST_S, LONGEST_S = 0.15, 0.5


def breaking(store: Store, **more: Any) -> Limiter:
    return limiter(store, breaker=Breaker(2, FIRST_S, LONGEST_S), **more)


def fail(limits: Limiter, times: int, outcome: str = "failed", *, quick: bool = False) -> None:
    for _ in range(times):
        got = permit(limits.acquire("a", quick=quick, patience_s=2))
        limits.release(got, used=True, outcome=outcome)


def wait_s(limits: Limiter, *, quick: bool = False) -> float:
    found = limits.acquire("a", quick=quick, patience_s=0)
    assert isinstance(found, Wait)
    assert found.why == "paused"
    return found.seconds


def test_it_opens_for_what_is_paid_only(store: Store) -> None:
    limits = breaking(store)
    fail(limits, 2)
    assert wait_s(limits) <= FIRST_S
    assert wait_s(limits, quick=True) <= FIRST_S
    with limits.read_permit("a", "getViberMessages", patience_s=0):
        pass


def test_one_request_tries_at_a_time(store: Store) -> None:
    limits = breaking(store)
    fail(limits, 2)
    trying = permit(limits.acquire("a", patience_s=1))
    assert 0 < wait_s(limits) <= 1
    assert 0 < wait_s(limits, quick=True) <= 1
    limits.release(trying, used=True, outcome="ok")
    held = [permit(limits.acquire("a", patience_s=0)) for _ in range(3)]
    assert len(held) == 3
    assert limits.pause_of("a") is None


def test_pauses_grow_up_to_the_longest(store: Store) -> None:
    limits = breaking(store)
    fail(limits, 2)
    waits = []
    for _ in range(3):
        trying = permit(limits.acquire("a", patience_s=2))
        limits.release(trying, used=True, outcome="failed")
        waits.append(wait_s(limits))
    assert FIRST_S < waits[0] <= 2 * FIRST_S
    assert 2 * FIRST_S < waits[1] <= LONGEST_S
    assert waits[2] <= LONGEST_S


def test_a_try_whose_worker_died_does_not_block_others_for_ever(store: Store) -> None:
    limits = breaking(store, permit_life_s=0.3)
    fail(limits, 2)
    permit(limits.acquire("a", patience_s=1))
    assert isinstance(limits.acquire("a", patience_s=0), Wait)
    permit(limits.acquire("a", patience_s=1))


def test_a_try_that_made_no_request_gives_way(store: Store) -> None:
    limits = breaking(store)
    fail(limits, 2)
    limits.release(permit(limits.acquire("a", patience_s=1)), used=False)
    permit(limits.acquire("a", patience_s=0))


def test_an_answer_that_refuses_the_content_closes_it(store: Store) -> None:
    limits = breaking(store)
    fail(limits, 2)
    limits.release(permit(limits.acquire("a", patience_s=1)), used=True, outcome="refused")
    assert limits.pause_of("a") is None
    fail(limits, 1, "refused")
    assert limits.pause_of("a") is not None


def test_late_outcomes_neither_close_nor_prolong_it(store: Store) -> None:
    limits = breaking(store)
    early = [permit(limits.acquire("a")) for _ in range(2)]
    fail(limits, 2)
    limits.release(early[0], used=True, outcome="failed")
    limits.release(early[1], used=True, outcome="ok")
    assert wait_s(limits) <= FIRST_S


def test_the_same_release_twice_counts_once(store: Store) -> None:
    limits = breaking(store)
    fail(limits, 2)
    trying = permit(limits.acquire("a", patience_s=1))
    for _ in range(3):
        limits.release(trying, used=True, outcome="failed")
    assert wait_s(limits) <= 2 * FIRST_S


def test_resuming_ends_it(store: Store) -> None:
    limits = breaking(store)
    fail(limits, 2)
    limits.resume("a", Act(Deed.ACCOUNT_RESUMED, "a"))
    held = [permit(limits.acquire("a", patience_s=0)) for _ in range(2)]
    assert len(held) == 2


def test_one_of_many_workers_tries(server: EmbeddedServer, store: Store, prefix: str) -> None:
    fail(breaking(store), 2)
    workers = [breaking(Store(connect(Settings(redis_url=server.url)), Keys(prefix))) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda worker: worker.acquire("a", patience_s=FIRST_S), workers))
    assert sum(isinstance(one, Permit) for one in found) == 1
