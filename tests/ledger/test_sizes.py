"""However much the ledger holds, no command reads or drops all of it at once."""

from __future__ import annotations

from campaigns.ledger import Campaigns, RejectedMessages
from campaigns.ledger.rejected import MOST
from campaigns.store import Store
from tests.support.loads import weigh

#: Ids as long as those of campaigns: together they have 84,000 bytes.
IDS = [f"{n:021x}" for n in range(4000)]
LIMIT = 40_000


def test_what_expired_leaves_the_index(store: Store) -> None:
    """What is old and still kept stays, and so does what is younger, expired or not."""
    kept, younger = IDS[100:2100], IDS[3990:]
    store.ask("zadd", store.keys.index(), {campaign_id: n for n, campaign_id in enumerate(IDS)})
    store.ask_many("hset", [(store.keys.campaign(campaign_id), "state", "ready") for campaign_id in kept])
    loads = weigh(store)
    Campaigns(store).forget_expired(3989)
    heaviest = max(loads.sent, loads.answered)
    assert store.ask("zrange", store.keys.index(), 0, -1) == [i.encode() for i in [*kept, *younger]]
    assert heaviest < LIMIT


def test_campaigns_that_are_swept(store: Store) -> None:
    store.ask("sadd", store.keys.active(), *IDS)
    loads = weigh(store)
    assert Campaigns(store).active() == IDS
    assert 10_000 < loads.answered < LIMIT


def test_rejected_messages_of_a_longer_list(store: Store) -> None:
    """Where more are kept than may be, each call drops some: the oldest, with what is known of them."""
    rejected, index, facts = RejectedMessages(store, life_ms=60_000), store.keys.rejected(), store.keys.rejected_facts()
    store.ask("zadd", index, {digest: n for n, digest in enumerate(IDS)})
    store.ask("hset", facts, None, None, dict.fromkeys(IDS, "{}"))
    left = len(rejected)
    while left > MOST:
        assert rejected.add(f"new-{left}", {"queue": "bulk"})
        dropped = left + 1 - len(rejected)
        assert 1 <= dropped <= 500
        assert len(rejected) == store.ask("hlen", facts) >= MOST
        left = len(rejected)
    assert not store.ask("zscore", index, IDS[0])
    assert rejected.add("last", {"queue": "bulk"})
    assert len(rejected) == MOST
