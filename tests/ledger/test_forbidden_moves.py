"""What the table of moves does not allow does not happen, whichever process tries."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from campaigns.errors import StateError
from campaigns.ledger import Batches, Campaigns, Claim, Move, Turns
from campaigns.ledger.states import (
    CAMPAIGN_REACHED_FROM,
    CANCELLING,
    DRAFT,
    PAUSED,
    PLANNED,
    REACHED_FROM,
    READY,
    SENDING,
    BatchState,
    CampaignState,
)
from campaigns.store.client import Store
from tests.support.claims import UNLIMITED, claim_in
from tests.support.plans import ready_campaign

_FORBIDDEN = [(old, new) for old, new in product(BatchState, BatchState) if old not in REACHED_FROM[new]]
#: What a person can do to a campaign, the state to which it leads, and those from which it does.
_STEERING: dict[str, tuple[Callable[[Campaigns, str], None], CampaignState, set[CampaignState]]] = {
    "pause": (lambda campaigns, of: campaigns.pause(of, "me"), PAUSED, {READY}),
    "resume": (lambda campaigns, of: campaigns.resume(of, "me"), READY, {PAUSED}),
    "approve": (lambda campaigns, of: campaigns.approve(of, "me"), READY, {DRAFT}),
    "cancel": (lambda campaigns, of: campaigns.cancel(of, "me"), CANCELLING, {DRAFT, READY, PAUSED}),
}


def put_in(store: Store, key: str, state: str) -> None:
    store.redis.hset(key, "state", state)


def test_a_batch_is_not_moved(store: Store) -> None:
    batches, batch_id = Batches(store, body_life_ms=1000), f"{ready_campaign(store)}-0"
    for old, new in _FORBIDDEN:
        put_in(store, store.keys.batch(batch_id), old)
        with pytest.raises(ValueError, match=f"{new} does not follow {old}"):
            batches.move(batches.read(batch_id), Move(new), from_states={old})
        assert batches.read(batch_id).state == old


def test_only_a_planned_batch_is_claimed(store: Store) -> None:
    batches, campaign_id = Batches(store, body_life_ms=1000), ready_campaign(store, len(BatchState))
    states = {f"{campaign_id}-{number}": state for number, state in enumerate(BatchState)}
    for batch_id, state in states.items():
        put_in(store, store.keys.batch(batch_id), state)
    claim = claim_in(store, f"{campaign_id}-0")
    assert isinstance(claim, Claim)
    assert claim.batch.id == f"{campaign_id}-0"
    turn = Turns(store, limits=UNLIMITED, lease_ms=1000, deadline_ms=1000).begin("bulk", "test", 0)
    assert turn.take_call(len(states), 0).run(store).taken == []
    left = {batch_id: batches.read(batch_id).state for batch_id in states}
    assert left == {**states, f"{campaign_id}-0": SENDING}


def test_a_batch_of_another_campaign_is_not_claimed(store: Store) -> None:
    for state in set(CampaignState) - {READY}:
        campaign_id = ready_campaign(store)
        put_in(store, store.keys.campaign(campaign_id), state)
        assert claim_in(store, f"{campaign_id}-0") is None
        assert Batches(store, body_life_ms=1000).read(f"{campaign_id}-0").state == PLANNED


@pytest.mark.parametrize("what", _STEERING)
def test_a_campaign_is_steered_as_the_table_allows(store: Store, what: str) -> None:
    steer, to, only_from = _STEERING[what]
    assert only_from <= CAMPAIGN_REACHED_FROM[to]
    campaigns, campaign_id = Campaigns(store), ready_campaign(store)
    for state in CampaignState:
        put_in(store, store.keys.campaign(campaign_id), state)
        if state in only_from or state == to:
            steer(campaigns, campaign_id)
            assert campaigns.read(campaign_id).state == to
        else:
            with pytest.raises(StateError):
                steer(campaigns, campaign_id)
            assert campaigns.read(campaign_id).state == state
