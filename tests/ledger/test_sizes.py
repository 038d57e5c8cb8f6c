"""However much the ledger holds, no command reads or drops all of it at once."""

from __future__ import annotations

from campaigns.ledger import Batch, Batches, Campaigns, RejectedMessages
from campaigns.ledger.index import CampaignIndex
from campaigns.ledger.rejected import MOST
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command
from tests.support.loads import weigh

#: Ids as long as those of campaigns: together they have 84,000 bytes.
IDS = [f"{n:021x}" for n in range(4000)]
LIMIT = 40_000


def test_what_expired_leaves_the_index(store: Store) -> None:
    """What is old and still kept stays, and so does what is younger, expired or not."""
    kept, younger = IDS[100:2100], IDS[3990:]
    store.ask(Redis.zadd, store.keys.index(), {campaign_id: n for n, campaign_id in enumerate(IDS)})
    store.ask_many([command(Redis.hset, store.keys.campaign(campaign_id), "state", "ready") for campaign_id in kept])
    loads = weigh(store)
    CampaignIndex(store).drop_expired(3989)
    heaviest = max(loads.sent, loads.answered)
    assert store.ask(Redis.zrange, store.keys.index(), 0, -1) == [i.encode() for i in [*kept, *younger]]
    assert heaviest < LIMIT


def test_campaigns_that_are_swept(store: Store) -> None:
    store.ask(Redis.sadd, store.keys.active(), *IDS)
    loads = weigh(store)
    assert Campaigns(store).active() == IDS
    assert 10_000 < loads.answered < LIMIT


def test_rejected_messages_of_a_longer_list(store: Store) -> None:
    """Where more are kept than may be, each call drops some: the oldest, with what is known of them."""
    rejected, index, facts = RejectedMessages(store, life_ms=60_000), store.keys.rejected(), store.keys.rejected_facts()
    store.ask(Redis.zadd, index, {digest: n for n, digest in enumerate(IDS)})
    store.ask(Redis.hset, facts, None, None, dict.fromkeys(IDS, "{}"))
    left = len(rejected)
    while left > MOST:
        assert rejected.add(f"new-{left}", {"queue": "bulk"})
        dropped = left + 1 - len(rejected)
        assert 1 <= dropped <= 500
        assert len(rejected) == store.ask(Redis.hlen, facts) >= MOST
        left = len(rejected)
    assert not store.ask(Redis.zscore, index, IDS[0])
    assert rejected.add("last", {"queue": "bulk"})
    assert len(rejected) == MOST


def test_lookalikes(store: Store) -> None:
    """Single messages with the same text are lookalikes of each other."""
    store.ask(Redis.zadd, store.keys.lookalikes("fp"), {f"{campaign_id}-0:0": 1_900_000_000_000 for campaign_id in IDS})
    loads = weigh(store)
    found = list(Batches(store, body_life_ms=1000).lookalikes("fp"))
    assert sorted(found) == [(f"{campaign_id}-0", 0) for campaign_id in IDS]
    assert 10_000 < loads.answered < LIMIT


def test_many_batches(store: Store) -> None:
    """No other client waits while thousands of batches, or the owners of thousands of messages, are read."""
    ids = [f"{campaign_id}-0" for campaign_id in IDS]
    store.ask_many([command(Redis.hset, store.keys.batch(i), "state", "accepted") for i in ids])
    store.ask_many([command(Redis.set, store.keys.message("main", n), f"{i}:0") for n, i in enumerate(ids)])
    batches, loads = Batches(store, body_life_ms=1000), weigh(store)
    assert [batch.id for batch in batches.read_many(ids)] == ids
    assert batches.read_many([]) == []
    assert batches.owners("main", range(len(ids))) == {n: (i, 0) for n, i in enumerate(ids)}
    assert loads.commands_at_once <= 500
    assert max(loads.sent, loads.answered) < LIMIT


def test_mailings_that_are_known_to_be_foreign(store: Store) -> None:
    numbers = range(10**12, 10**12 + len(IDS))
    batches, batch = Batches(store, body_life_ms=1000), Batch.read("c-0", {})
    batches.note_foreign(batch, numbers, 60_000)
    loads = weigh(store)
    assert batches.foreign(batch) == frozenset(numbers)
    assert loads.answered < LIMIT
