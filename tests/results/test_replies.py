"""Replies: read whole and in order, by commands that do not grow with their number."""

from __future__ import annotations

from campaigns.ledger import Batch
from campaigns.results import Replies, Reply
from campaigns.store.client import Store
from tests.support.loads import weigh

NUMBER = 4000


def replies_of(store: Store, number: int) -> Replies:
    """Replies to one campaign, stored in no order."""
    replies = Replies(store, optout_words=lambda _: frozenset())
    batch = Batch.read("c-0", {"account": "main", "kind": "bulk"})
    numbers = [(7 * n) % number for n in range(number)]
    replies.add(batch, [Reply(str(n), f"37529{n:07d}", "x" * 50, n, "c-0", "m") for n in numbers])
    return replies


def test_oldest_first(store: Store) -> None:
    replies = replies_of(store, NUMBER).of_campaign("c")
    assert [reply.id for reply in replies] == [str(n) for n in range(NUMBER)]
    assert replies[7] == Reply("7", "375290000007", "x" * 50, 7, "c-0", "m")
    assert replies_of(store, 0).of_campaign("none") == []


def test_no_answer_holds_them_all(store: Store) -> None:
    """Each has 150 bytes: together they are more than half a million."""
    replies, loads = replies_of(store, NUMBER), weigh(store)
    assert len(replies.of_campaign("c")) == NUMBER
    assert 50_000 < loads.answered < 250_000
