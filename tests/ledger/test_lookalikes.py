"""Lookalikes: which batches a listing could not tell apart, each for its own time."""

from __future__ import annotations

import pytest

from campaigns.ledger import Batches, MailingRecord, NewBatch, Plans, ToCheck, exclude_planned
from campaigns.planning.batching import Reduced
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from tests.support.claims import claim_in
from tests.support.plans import open_plan

_LIFE_MS = 60_000
_MAILING = MailingRecord("m", 0, 1, None, "fp", "quick")


class Fleet:
    """Plans on a store whose clock tests move."""

    def __init__(self, store: Store) -> None:
        self.now_ms = 1_900_000_000_000
        self.store = Store(store.redis, store.keys, now_ms=lambda: self.now_ms)
        self.batches = Batches(self.store, body_life_ms=1000)
        self.plans = Plans(self.store, lease_ms=1000, body_life_ms=_LIFE_MS, lookalikes_life_ms=_LIFE_MS)

    def plan(self, *, later_ms: int = 0) -> str:
        """A batch of one, always with the same words; its id."""
        opened = open_plan(self.store, self.plans, None, "n")
        opened.add([NewBatch(1, (_MAILING,), b"[]", self.now_ms + later_ms if later_ms else 0)])
        opened.finish("digest", 1)
        return f"{opened.campaign_id}-0"

    def lookalikes(self, fingerprint: str = "fp") -> set[str]:
        return {batch_id for batch_id, _ in self.batches.lookalikes(fingerprint)}


@pytest.fixture
def fleet(store: Store) -> Fleet:
    return Fleet(store)


def test_the_same_message_to_the_same_phone_for_years(fleet: Fleet) -> None:
    """Test messages that are sent all the time: each stays a lookalike for its own time, not for the last one's."""
    planned = []
    for _ in range(50):
        fleet.now_ms += _LIFE_MS // 4
        planned.append(fleet.plan())
    assert fleet.lookalikes() == set(planned[-4:])


def test_years_of_it_go_in_portions(fleet: Fleet) -> None:
    """No call drops more than a hundred, and each call drops more than it adds."""
    for _ in range(205):
        fleet.plan()
    fleet.now_ms += _LIFE_MS
    assert [len({*fleet.lookalikes()} - {fleet.plan()}) for _ in range(3)] == [205, 106, 7]
    assert len(fleet.lookalikes()) == 3


def test_what_waits_is_kept(fleet: Fleet) -> None:
    """A paused batch may still go out: sweeping keeps it among the lookalikes."""
    paused, sent = fleet.plan(), fleet.plan()
    for _ in range(10):
        fleet.now_ms += _LIFE_MS // 3
        fleet.plans.keep(fleet.batches.read_many([paused]))
        last = fleet.plan()
    assert {paused, last} <= fleet.lookalikes()
    assert sent not in fleet.lookalikes()


def test_nothing_that_expired_comes_back(fleet: Fleet) -> None:
    batch_id = fleet.plan()
    fleet.now_ms += _LIFE_MS
    fleet.plan()
    fleet.plans.keep(fleet.batches.read_many([batch_id]))
    assert batch_id not in fleet.lookalikes()


def test_one_that_goes_out_now_shortens_no_life(fleet: Fleet) -> None:
    """What is scheduled for later stays a lookalike until then, whatever is planned meanwhile."""
    fleet.plan(later_ms=3_600_000)
    fleet.plan()
    assert fleet.store.ask(Redis.pttl, fleet.store.keys.lookalikes("fp")) > 3_600_000


def test_a_batch_with_excluded_recipients(fleet: Fleet) -> None:
    """Without them the batch has another fingerprint, which lives for a time of its own."""
    batch_id = fleet.plan()
    fleet.store.ask(Redis.sadd, fleet.store.keys.optouts(), "2")
    found = claim_in(fleet.store, batch_id)
    assert isinstance(found, ToCheck)
    batch, reduced = fleet.batches.read(batch_id), Reduced(b"[]", {0: (1, "fp2")}, [])
    assert exclude_planned(fleet.store, batch, found.outdated, reduced, [], _LIFE_MS)
    assert (fleet.lookalikes(), fleet.lookalikes("fp2")) == (set(), {batch_id})
    assert 0 < fleet.store.ask(Redis.pttl, fleet.store.keys.lookalikes("fp2")) <= _LIFE_MS
