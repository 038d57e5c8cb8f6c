"""The store's primary dies in the middle of a poll: what the replica lacks of it is asked for again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.errors import StoreError
from campaigns.ledger.states import ACCEPTED, SETTLED
from campaigns.sandbox.server import Sandbox
from campaigns.store.client import ScriptCall, Store
from campaigns.wiring import build_services
from tests.support.failover import Pair
from tests.support.jobs import bulk_job, phones
from tests.support.reads import announce_batch, poll_batch
from tests.support.settings import fast_settings
from tests.support.stage import Stage
from tests.support.waiting import wait_until


class DiesAfter(Store):
    """Its primary dies once a script has run so often; no replica has what it wrote."""

    script = ""
    times = 1
    pair: Pair

    def _carry_out(self, calls: Sequence[ScriptCall], *, wait: bool) -> tuple[list[Any], int]:
        answers = super()._carry_out(calls, wait=wait)
        for name, *_ in calls:
            self._die_after(name)
        return answers

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        answer = super().run(name, keys, args)
        self._die_after(name)
        return answer

    def _die_after(self, name: str) -> None:
        self.times -= name == self.script
        if name == self.script and self.times == 0:
            self.pair.fail_over()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with Pair() as pair:
        yield pair


@pytest.fixture
def stage(pair: Pair, sandbox: Sandbox, prefix: str) -> Stage:
    """Followed until no horizon can hide what was missed."""
    return Stage(fast_settings(pair.url, sandbox.url, prefix, poll_horizon_s=600.0), sandbox)


def dies_after(stage: Stage, pair: Pair, script: str, times: int) -> DiesAfter:
    """From now on the stage's primary does so."""
    store = DiesAfter(stage.services.store.redis, stage.services.store.keys)
    store.pair, store.script, store.times = pair, script, times
    stage.services = build_services(stage.services.settings, store=store, ring=stage.services.ring)
    return store


def sent(stage: Stage, pair: Pair) -> Campaign:
    """A campaign that is read at the gateway, of which the replica knows that it was sent, and will hear no more."""
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.send(f"{campaign.id}-0")
    wait_until(lambda: {row["status"] for row in stage.sandbox.ledger()} == {"READ"})
    assert stage.services.batches.read(f"{campaign.id}-0").state == ACCEPTED
    pair.settle()
    pair.link.hold()
    return campaign


def charged(stage: Stage) -> Decimal:
    """What the gateway took."""
    return sum((Decimal(row["cost"].split()[0]) for row in stage.sandbox.ledger()), Decimal(0))


@pytest.mark.parametrize(
    ("script", "times"),
    [
        ("record_message_ids", 1),
        ("change_deliveries", 1),
        ("record_cost", 1),
        ("update_fields", 1),
        ("record_cost", 2),
        ("move_batch", 1),
    ],
    ids=["ids", "statuses", "record_cost", "digest", "last price", "end"],
)
def test_nothing_of_it_is_missed(stage: Stage, pair: Pair, script: str, times: int) -> None:
    campaign = sent(stage, pair)
    store = dies_after(stage, pair, script, times)
    poll_batch(stage.services, f"{campaign.id}-0")
    assert store.times == 0
    stage.finish(campaign)
    batch = stage.services.batches.read(f"{campaign.id}-0")
    assert batch.state == SETTLED
    assert [delivery.status for delivery in campaign.deliveries()] == ["READ"] * 2
    assert campaign.status().cost == charged(stage)
    assert stage.services.batches.owner("default", batch.message_ids[0]) == (batch.id, 0)


@pytest.mark.parametrize("times", [1, 2])
def test_a_fallback_is_announced_once(stage: Stage, pair: Pair, times: int) -> None:
    """In two mailings. Who was announced and the event are lost together, and the entry that makes it due is not."""
    silent = ["375297779912", "375297789912"]
    job = bulk_job([*phones(1), silent[0]], fallback_after_s=1)
    job["messages"] += bulk_job([silent[1]], text="another")["messages"]
    campaign = stage.enqueue(job)
    batch_id = f"{campaign.id}-0"
    stage.send(batch_id)
    poll_batch(stage.services, batch_id)
    pair.settle()
    pair.link.hold()
    store = dies_after(stage, pair, "announce_fallback", times)
    announce_batch(stage.services, batch_id)
    assert store.times <= 0
    stage.sweep()
    stage.until(lambda: stage.services.batches.read(batch_id).fallback_done)
    events = [event for event in stage.events(campaign) if event.type == "deliveries.fallback_due"]
    found = [change[0] for event in events for change in event.data["changes"]]
    assert [found.count(phone) for phone in silent] == [1, 1]


class FailsOnce(Store):
    """It cannot be reached when `script` is to run for the nth time."""

    script = "record_cost"
    times = 2

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        self.times -= name == self.script
        if name == self.script and self.times == 0:
            raise StoreError(f"{name}: ConnectionError")
        return super().run(name, keys, args)


def test_without_its_last_price_a_batch_is_not_settled(sandbox: Sandbox, pair: Pair, prefix: str) -> None:
    """As if its worker had died there: the next poll asks for the price again."""
    stage = Stage(fast_settings(pair.url, sandbox.url, prefix, poll_horizon_s=600.0), sandbox)
    campaign = sent(stage, pair)
    working = stage.services
    store = FailsOnce(working.store.redis, working.store.keys)
    stage.services = build_services(working.settings, store=store, ring=working.ring)
    with pytest.raises(StoreError):
        poll_batch(stage.services, f"{campaign.id}-0")
    assert store.times == 0
    assert working.batches.read(f"{campaign.id}-0").state == ACCEPTED
    stage.services = working
    stage.finish(campaign)
    assert campaign.status().cost == charged(stage)
