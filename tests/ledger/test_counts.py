"""Counted messages: what scripts write is what a list of all messages would say, and planning reads the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from campaigns.jobs.caps import Cap, Limit
from campaigns.ledger.counts import Counts, Portion, enough
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from tests.support.jobs import phones

DAYS = 7
DAY = 20_000


@pytest.fixture
def counts(store: Store) -> Counts:
    return Counts(store, days=DAYS)


def batch(store: Store, batch_id: str) -> str:
    """A planned batch, as far as counting looks at it."""
    store.ask(Redis.hset, store.keys.batch(batch_id), "state", "planned")
    return batch_id


def cap(*limits: tuple[int, int], account: str = "") -> Cap:
    return Cap(account, tuple(Limit(*limit) for limit in limits))


def count(counts: Counts, store: Store, batch_id: str, some: list[str], day: int, of: Cap) -> list[int] | None:
    """Count the messages of a batch with one portion. Returns the numbers of those that the cap forbids."""
    assert counts.begin(batch(store, batch_id), "op", ["planned"])
    forbidden = counts.count(batch_id, "op", Portion(0, 0, some), day, of, limited=True)
    counts.end(batch_id, "op", day)
    return forbidden


def total(store: Store) -> int:
    """How many messages are counted."""
    keys = store.ask(Redis.keys, f"{store.keys.prefix}counted:*")
    values = [store.ask(Redis.get, key) for key in keys]
    return sum((len(value) - 4 * len(days(value))) // 2 for value in values)


def days(value: bytes) -> list[int]:
    found, at = [], 0
    while at < len(value):
        found.append(int.from_bytes(value[at : at + 2], "big"))
        at += 4 + 2 * int.from_bytes(value[at + 2 : at + 4], "big")
    return found


def test_as_a_list_of_all_messages_would_have_it(counts: Counts, store: Store) -> None:
    """Random campaigns on random days with two limits, taken back at random."""
    rnd, limits = random.Random(5), ((3, 7), (1, 1))
    people = [*phones(30), *(f"37533{n:07d}" for n in range(9_990, 10_010)), "00001", "375290000000"]
    sent: dict[str, list[tuple[int, str]]] = {}
    for number in range(120):
        day, some = DAY + number // 5, [rnd.choice(people) for _ in range(rnd.randint(1, 40))]
        batch_id = f"c-{number}"
        forbidden = count(counts, store, batch_id, some, day, cap(*limits))
        mine, expected = list[tuple[int, str]](), list[int]()
        everything = [message for messages in sent.values() for message in messages]
        for n, phone in enumerate(some):
            of_phone = [on for on, who in [*everything, *mine] if who == phone]
            if all(sum(day - span < on for on in of_phone) < most for most, span in limits):
                mine.append((day, phone))
            else:
                expected.append(n)
        assert sorted(forbidden or []) == expected
        sent[batch_id] = mine
        if rnd.random() < 0.3:
            again = f"c-{rnd.randrange(number + 1)}"
            # What is taken back is what the batch would have kept: the messages that were allowed.
            if again == batch_id:
                kept = [phone for n, phone in enumerate(some) if n not in expected]
                assert counts.begin(batch_id, "back", ["planned"])
                assert counts.count(batch_id, "back", Portion(0, 0, kept), None, cap(*limits), limited=False) == []
                counts.end(batch_id, "back", None)
                sent[batch_id] = []
        kept_by = Counter(who for messages in sent.values() for on, who in messages if on > day - 7)
        checker = counts.checker(cap((3, 7)), day)
        verdicts = checker(people) or [False] * len(people)
        assert verdicts == [kept_by[phone] >= 3 for phone in people]


def test_one_message_in_a_request_may_be_too_many(counts: Counts, store: Store) -> None:
    one, other = phones(2)
    assert count(counts, store, "c-0", [one, other, one, one], DAY, cap((2, 1))) == [3]


def test_a_repeated_call_counts_nothing_twice(counts: Counts, store: Store) -> None:
    assert counts.begin(batch(store, "c-0"), "op", ["planned"])
    for _ in range(3):
        assert counts.count("c-0", "op", Portion(0, 0, phones(5)), DAY, cap((1, 7)), limited=True) == []
    assert total(store) == 5


def test_another_worker_takes_over(counts: Counts, store: Store) -> None:
    """It counts what the first one left half done, and the first one changes nothing any more."""
    first, second = Portion(0, 0, phones(5)), Portion(0, 1, phones(5, start=50))
    assert counts.begin(batch(store, "c-0"), "one", ["planned"])
    assert counts.count("c-0", "one", first, DAY, cap((1, 7)), limited=True) == []
    assert counts.begin("c-0", "two", ["planned"])
    assert counts.count("c-0", "one", second, DAY, cap((1, 7)), limited=True) is None
    for portion in (first, second):
        assert counts.count("c-0", "two", portion, DAY + 1, cap((1, 7)), limited=True) == []
    counts.end("c-0", "one", None)
    counts.end("c-0", "two", DAY + 1)
    assert total(store) == 10
    fields = store.ask(Redis.hgetall, store.keys.batch("c-0"))
    assert fields == {b"state": b"planned", b"counted": f"{DAY + 1} ".encode()}


def test_taken_back_mailing_by_mailing(counts: Counts, store: Store) -> None:
    """One mailing was refused: only its messages do not count, however often the others are taken back later."""
    mailings = [Portion(n, 0, phones(3, start=10 * n)) for n in range(2)]
    assert counts.begin(batch(store, "c-0"), "one", ["planned"])
    for mailing in mailings:
        counts.count("c-0", "one", mailing, DAY, cap((5, 7)), limited=True)
    counts.end("c-0", "one", DAY)
    other = batch(store, "c-1")
    count(counts, store, other, phones(3), DAY, cap((5, 7)))
    assert total(store) == 9
    for op, first, second in (("two", None, DAY), ("three", None, None)):
        assert counts.begin("c-0", op, ["planned"])
        for mailing, day in zip(mailings, (first, second), strict=True):
            counts.count("c-0", op, mailing, day, cap((5, 7)), limited=False)
        counts.end("c-0", op, second, [0] if second else [])
    assert total(store) == 3
    assert counts.checker(cap((1, 7)), DAY)(phones(4)) == [True, True, True, False]


def test_messages_that_are_not_going_to_be_sent(counts: Counts, store: Store) -> None:
    assert counts.begin(batch(store, "c-0"), "op", ["planned"])
    assert counts.count("c-0", "op", Portion(0, 0, phones(4)), DAY, cap((1, 7)), limited=True, but=[1, 3]) == []
    assert counts.checker(cap((1, 7)), DAY)(phones(4)) == [True, False, True, False]


def test_accounts_count_apart(counts: Counts, store: Store) -> None:
    assert count(counts, store, "c-0", phones(2), DAY, cap((1, 7), account="a")) == []
    assert count(counts, store, "c-1", phones(2), DAY, cap((1, 7), account="b")) == []
    assert count(counts, store, "c-2", phones(2), DAY, cap((1, 7), account="a")) == [0, 1]


def test_days_expire_by_themselves(counts: Counts, store: Store) -> None:
    count(counts, store, "c-0", phones(2), DAY, cap((1, 7)))
    (key,) = store.ask(Redis.keys, f"{store.keys.prefix}counted:*")
    assert 0 < store.ask(Redis.pttl, key) <= (DAYS + 1) * 86_400_000
    assert count(counts, store, "c-1", phones(1), DAY + DAYS, cap((1, 7))) == []
    assert days(store.ask(Redis.get, key)) == [DAY + DAYS]


def test_a_person_is_erased(counts: Counts, store: Store) -> None:
    one, other = phones(2)
    for number, account in enumerate(("", "shop", "shop")):
        count(counts, store, f"c-{number}", [one, other, one], DAY, cap((9, 7), account=account))
    assert counts.erase(one, ["", "shop", "none"]) == 6
    assert total(store) == 3
    assert counts.erase(one, ["", "shop", "none"]) == 0


@pytest.mark.parametrize("day", [DAY, DAY + 6, DAY + 7])
def test_the_last_day_that_counts(counts: Counts, store: Store, day: int) -> None:
    """Seven days of the calendar, the last one included."""
    count(counts, store, "c-0", phones(1), DAY, cap((1, 7)))
    assert any(counts.checker(cap((1, 7)), day)(phones(1))) == (day < DAY + 7)


def test_many_messages_of_one_day(counts: Counts, store: Store) -> None:
    """A section's length has two bytes: one that is longer goes on in another."""
    (phone,) = phones(1)
    key, end = store.keys.counted("", phone[:-4]), int(phone[-4:]).to_bytes(2, "big")
    half = (DAY).to_bytes(2, "big") + (65_535).to_bytes(2, "big") + end * 65_535
    store.ask(Redis.set, key, half)
    assert count(counts, store, "c-0", [phone], DAY, cap((100_000, 7))) == []
    assert total(store) == 65_536
    assert enough(store.ask(Redis.get, key), [Limit(65_536, 1)], DAY) == {int(phone[-4:])}


def test_memory_of_a_million_phones(counts: Counts, store: Store) -> None:
    """About two and a half bytes a phone and day, keys included: shown with a tenth of the numbers of one operator."""
    million = 1_000_000
    each: Callable[[int], str] = lambda n: f"37529{(n * 7_368_787) % 10_000_000:07d}"  # noqa: E731
    keys, number = dict[str, int](), million // 10
    for n in range(number):
        keys[each(n)[:-4]] = keys.get(each(n)[:-4], 0) + 1
    for start in range(0, number, 1000):
        some = [each(n) for n in range(start, start + 1000)]
        assert counts.begin(batch(store, f"m-{start}"), "op", ["planned"])
        assert counts.count(f"m-{start}", "op", Portion(0, 0, some), DAY, cap((1, 7)), limited=True) == []
    used = sum(store.ask(Redis.memory_usage, store.keys.counted("", key), 0) for key in keys)
    assert total(store) == number
    assert used / number < 5
