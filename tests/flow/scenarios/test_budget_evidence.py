"""Late evidence: what a budget got back, because nothing seemed to be sent, counts again once it shows to be sent."""

from __future__ import annotations

import pytest

from campaigns.flow.outcome import accepted, planned_again
from campaigns.flow.tracking.callbacks import callback_url, take_callback
from campaigns.ledger import Batch, Claim, Move
from campaigns.ledger.states import ACCEPTED, CANCELLED, HELD, PLANNED, REJECTED, SENDING, UNKNOWN
from campaigns.store.commands import Redis
from tests.support.budgets import DAY_MS, PRICE, Make, move, to_noon, used
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


@pytest.fixture
def stage(make: Make) -> Stage:
    """With a budget for twenty messages a day."""
    stage = make(20, callback_base_url="http://127.0.0.1:9/viber")
    to_noon(stage)
    return stage


def claimed(stage: Stage) -> Batch:
    campaign = stage.enqueue(bulk_job(phones(4)))
    claim = stage.claim(f"{campaign.id}-0")
    assert isinstance(claim, Claim)
    assert used(stage) == 4
    return claim.batch


def given_back(stage: Stage, batch: Batch) -> Batch:
    """In doubt, and planned again by proven absence."""
    batches = stage.services.batches
    assert batches.move(batch, Move(UNKNOWN), from_states={SENDING}, fence=batch.fence)
    again = planned_again(batches.read(batch.id), {"reason": "absence is proven"})
    assert batches.move(batch, again, from_states={UNKNOWN}, fence=batch.fence)
    assert used(stage) == 0
    return batches.read(batch.id)


def call_back(stage: Stage, batch: Batch) -> None:
    url = callback_url(stage.services, batch, None)
    assert url is not None
    assert take_callback(stage.services, url, b"")


def accept(stage: Stage, batch: Batch, state: str) -> None:
    verdict = accepted(batch, stage.services.now_ms(), stage.services.settings, uuid="u-1")
    assert stage.services.batches.move(batch, verdict.move, from_states={state}, fence=batch.fence)


def pay_half(stage: Stage, batch: Batch) -> None:
    """The gateway's final price, for two of the four messages."""
    half = int(PRICE * 2 * 1_000_000)
    stage.services.deliveries.price(stage.services.batches.read(batch.id), 0, {"UAH": half}, final=True)


def test_a_callback(stage: Stage) -> None:
    """Counted once, however often it comes, and corrected by the final price."""
    batch = given_back(stage, claimed(stage))
    for _ in range(2):
        call_back(stage, batch)
        assert stage.services.batches.read(batch.id).state == UNKNOWN
        assert used(stage) == 4
    accept(stage, batch, UNKNOWN)
    assert used(stage) == 4
    pay_half(stage, batch)
    assert used(stage) == 2


@pytest.mark.parametrize("state", [PLANNED, CANCELLED, REJECTED])
def test_a_late_worker(stage: Stage, state: str) -> None:
    """The request was accepted after all, whatever became of its batch; and refused in the end."""
    batch = given_back(stage, claimed(stage)) if state != REJECTED else claimed(stage)
    batches = stage.services.batches
    if state != PLANNED:
        assert batches.move(batch, Move(state), from_states={batch.state}, fence=batch.fence)
    assert used(stage) == 0
    accept(stage, batch, state)
    assert used(stage) == 4
    assert batches.move(batch, Move(REJECTED), from_states={ACCEPTED}, fence=batch.fence)
    assert used(stage) == 0


def test_a_callback_that_only_the_claim_sees(stage: Stage) -> None:
    """The process that took the callback died. What counts again does so for the day on which it was sent."""
    batch = given_back(stage, claimed(stage))
    services = stage.services
    services.store.ask(Redis.hset, services.store.keys.batch(batch.id), "callback_ms", services.now_ms())
    move(stage, DAY_MS)
    stage.step()
    assert services.batches.read(batch.id).state == UNKNOWN
    assert used(stage) == 0
    move(stage, -DAY_MS)
    assert used(stage) == 4


def test_the_first_request_of_two_arrived(stage: Stage) -> None:
    """A person had it sent again; the second one was certainly not sent. The first, which is in doubt, is counted."""
    batch = claimed(stage)
    batches = stage.services.batches
    assert batches.move(batch, Move(UNKNOWN), from_states={SENDING}, fence=batch.fence)
    assert batches.move(batch, Move(HELD), from_states={UNKNOWN}, fence=batch.fence)
    assert batches.move(batch, planned_again(batch, {"by": "me"}), from_states={HELD}, fence=batch.fence)
    again = stage.claim(batch.id)
    assert isinstance(again, Claim)
    assert used(stage) == 8
    assert batches.move(again.batch, Move(PLANNED), from_states={SENDING}, fence=again.batch.fence)
    assert used(stage) == 4
    accept(stage, again.batch, PLANNED)
    assert used(stage) == 4
    pay_half(stage, batch)
    assert used(stage) == 2


def test_a_new_claim_reserves_for_itself_only(stage: Stage) -> None:
    batch = given_back(stage, claimed(stage))
    again = stage.claim(batch.id)
    assert isinstance(again, Claim)
    assert used(stage) == 4
    accept(stage, again.batch, SENDING)
    fields = stage.services.batches.read(batch.id).fields
    assert (used(stage), fields["reserved"]) == (4, str(int(PRICE * 4 * 1_000_000)))
    assert not [name for name in fields if name.startswith("returned")]
