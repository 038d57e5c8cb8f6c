"""Counted messages where most of 10,000 neighbouring numbers get some: one pass over them instead of a search each."""

from __future__ import annotations

import random
import struct
from collections import Counter

import pytest

from campaigns.jobs.caps import Cap, Limit
from campaigns.ledger.counts import Counts, Portion
from campaigns.settings.values import MOST_MESSAGES
from campaigns.store.client import Store
from campaigns.store.commands import Redis

DAY, DAYS, START = 20_000, 7, "37529000"
#: Last digits of the phones of each day, once for each message.
Days = dict[int, list[int]]


def packed(days: Days) -> bytes:
    """As the store holds them."""
    return b"".join(struct.pack(f">HH{len(ends)}H", day, len(ends), *ends) for day, ends in days.items())


def held(store: Store) -> dict[int, Counter[int]]:
    """What the store holds: how many messages of each phone, by day."""
    value, at, found = store.ask(Redis.get, store.keys.counted("", START)) or b"", 0, dict[int, Counter[int]]()
    while at < len(value):
        day, number = (int.from_bytes(value[at + n : at + n + 2], "big") for n in (0, 2))
        ends = value[at + 4 : at + 4 + 2 * number]
        found.setdefault(day, Counter()).update(int.from_bytes(ends[n : n + 2], "big") for n in range(0, len(ends), 2))
        at += 4 + 2 * number
    return found


def count(store: Store, days: Days, ends: list[int], *limits: Limit, back: bool = False) -> list[int]:
    """Count a message to each of these phones today, or take that back. Returns the numbers of those forbidden."""
    batch, counts = store.keys.batch("c-0"), Counts(store, days=DAYS)
    store.ask(Redis.set, store.keys.counted("", START), packed(days))
    store.ask(Redis.delete, batch)
    store.ask(Redis.hset, batch, mapping={"state": "planned", "counted": f"{DAY} "} if back else {"state": "planned"})
    assert counts.begin("c-0", "op", ["planned"])
    portion = Portion(0, 0, [f"{START}{end:04d}" for end in ends])
    forbidden = counts.count("c-0", "op", portion, None if back else DAY, Cap("", limits), limited=not back)
    assert forbidden is not None
    return forbidden


@pytest.mark.parametrize("phones", [40, 400])
@pytest.mark.parametrize("back", [False, True])
def test_few_and_many_phones_count_alike(store: Store, phones: int, back: bool) -> None:
    rnd, limits = random.Random(phones), (Limit(3, 7), Limit(2, 2))
    days = {DAY - day: rnd.choices(range(600), k=400) for day in reversed(range(DAYS))}
    ends = rnd.choices(range(600), k=phones)
    after, expected = {day: Counter(of) for day, of in days.items()}, list[int]()
    for n, end in enumerate(ends):
        if back:
            after[DAY][end] -= after[DAY][end] > 0
        elif all(sum(after[day][end] for day in after if day > DAY - span) < most for most, span in limits):
            after[DAY][end] += 1
        else:
            expected.append(n)
    assert sorted(count(store, days, ends, *limits, back=back)) == expected
    assert held(store) == {day: +of for day, of in after.items()}


def cost_s(store: Store, number: int, *, back: bool) -> float:
    """The processor time of one call with so many phones, all of whose neighbours got as many messages as may be."""
    days = {DAY - day: list(range(10_000)) * (MOST_MESSAGES // DAYS) for day in range(DAYS)}
    ends, costs = random.Random(7).sample(range(10_000), number), list[float]()
    for _ in range(4):
        before = used_s(store)
        count(store, days, ends, Limit(MOST_MESSAGES, DAYS), back=back)
        costs.append(used_s(store) - before)
    return min(costs)


def used_s(store: Store) -> float:
    used = store.redis.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


@pytest.mark.parametrize("back", [False, True])
def test_a_call_does_not_cost_phones_times_messages(store: Store, back: bool) -> None:
    """Nobody else gets an answer meanwhile."""
    assert cost_s(store, 1000, back=back) < 4 * cost_s(store, 100, back=back)
