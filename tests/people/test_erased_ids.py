"""The gateway tells the phone for its ids: none is left of a message once everybody whom it went to was erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from campaigns.campaign import Campaign
from campaigns.events import Event
from campaigns.flow.tracking.callbacks import callback_url, take_callback
from campaigns.ledger import Batch
from campaigns.ledger.erased import erased_values
from campaigns.ledger.message_ids import known_at_gateway
from campaigns.person import erase, find_message
from campaigns.store.commands import Redis
from tests.people.test_erasure import everything
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.reads import fetch_batch
from tests.support.stage import Stage

UUID = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"


def batch_of(stage: Stage, campaign: Campaign) -> Batch:
    return stage.services.batches.read(f"{campaign.id}-0")


def names_ids(event: Event) -> bool:
    return not event.data.keys().isdisjoint({"uuid", "message_id", "message_ids"})


def mailing(name: str, *people: str) -> dict[str, Any]:
    """One of several mailings of a bulk job."""
    return {**bulk_job([])["messages"][0], "name": name, "delivery_list": list(people)}


@pytest.fixture
def done(stage: Stage) -> Callable[[Any], Batch]:
    """Sends a job, and returns its first batch once nothing more comes of it."""

    def send(job: Any) -> Batch:
        campaign = stage.enqueue(job)
        stage.finish(campaign)
        return batch_of(stage, campaign)

    return send


@pytest.mark.parametrize("job", [quick_job(*phones(1)), bulk_job(phones(1))], ids=["quick", "bulk"])
def test_of_one_recipient(stage: Stage, done: Callable[[Any], Batch], job: Any) -> None:
    batch = done(job)
    (message_id,) = batch.message_ids.values()
    assert any(names_ids(event) for event in stage.services.events.since())
    known = stage.services.store.keys.known("default", batch.kind)
    assert find_message(stage.services, message_id) is not None
    erase(stage.services, *phones(1))
    left = stage.services.batches.read(batch.id)
    assert erased_values(left, 0)
    assert (left.message_ids, left.fields.keys() & {"message_ids", "uuid", "callback_uuid"}) == ({}, set())
    assert known_at_gateway(left)
    assert find_message(stage.services, message_id) is None
    assert stage.services.store.ask(Redis.zscore, known, message_id) is None
    assert not any(names_ids(event) for event in stage.services.events.since())


def test_of_others(stage: Stage, done: Callable[[Any], Batch]) -> None:
    """They stay while somebody of the mailing is left, and go with the last; those of other mailings stay."""
    batch = done({"name": "x", "messages": [mailing("A", *phones(2)), mailing("B", *phones(1, start=5))]})
    erase(stage.services, phones(2)[0])
    assert stage.services.batches.read(batch.id).message_ids == batch.message_ids
    erase(stage.services, phones(2)[1])
    left = stage.services.batches.read(batch.id)
    assert left.message_ids == {1: batch.message_ids[1]}
    assert left.fields["uuid"] == batch.fields["uuid"]
    assert find_message(stage.services, batch.message_ids[0]) is None
    assert find_message(stage.services, batch.message_ids[1]) is not None


def test_of_a_list(stage: Stage, done: Callable[[Any], Batch]) -> None:
    """Its body has no phones: the deliveries tell who is left."""
    batch = done(list_job(2))
    campaign_id = batch.campaign_id
    people = [delivery.phone for delivery in Campaign.of(stage.services, campaign_id).deliveries()]
    for phone in people[:-1]:
        erase(stage.services, phone)
    assert stage.services.batches.read(batch.id).message_ids == batch.message_ids
    erase(stage.services, people[-1])
    assert stage.services.batches.read(batch.id).message_ids == {}


class TestLate:
    """What comes late does not bring them back."""

    def test_an_answer_with_ids(self, stage: Stage, done: Callable[[Any], Batch]) -> None:
        """Found by a worker that read the batch before the person was erased; the ids of others are recorded."""
        batch = done({"name": "x", "messages": [mailing("A", *phones(1)), mailing("B", *phones(1, start=5))]})
        erase(stage.services, *phones(1))
        ids = {0: (*batch.all_message_ids[0], 77), 1: (*batch.all_message_ids[1], 78)}
        stage.services.deliveries.record_message_ids(batch, ids, 60_000)
        left = stage.services.batches.read(batch.id)
        assert left.all_message_ids == {1: ids[1]}
        assert find_message(stage.services, 77) is None
        assert find_message(stage.services, 78) is not None

    def test_the_only_answer(self, stage: Stage, done: Callable[[Any], Batch]) -> None:
        batch = done(quick_job(*phones(1)))
        erase(stage.services, *phones(1))
        stage.services.deliveries.record_message_ids(batch, {0: 77}, 60_000)
        assert "message_ids" not in stage.services.batches.read(batch.id).fields
        assert b"77" not in stage.services.store.ask(
            Redis.zrange, stage.services.store.keys.known("default", "quick"), 0, -1
        )

    def test_a_callback(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(callback_base_url="https://example.com/back")
        campaign = stage.enqueue(bulk_job(phones(1)))
        stage.finish(campaign)
        batch = batch_of(stage, campaign)
        address = callback_url(stage.services, batch, None)
        assert address is not None
        erase(stage.services, *phones(1))
        before = everything(stage)
        assert take_callback(stage.services, "/" + address.rsplit("/", 1)[1], orjson.dumps({"uuid": UUID}))
        assert everything(stage) == before

    def test_replies_are_not_fetched(self, make_stage: Callable[..., Stage]) -> None:
        """Nothing is asked of a mailing of which everybody was erased, and that is not taken for a failure."""
        stage = make_stage(reply_window_s=3600)
        campaign = stage.enqueue(quick_job(*phones(1)))
        stage.until(lambda: batch_of(stage, campaign).state == "settled")
        erase(stage.services, *phones(1))
        asked = stage.sandbox.summary()["requests"]
        fetch_batch(stage.services, f"{campaign.id}-0")
        assert stage.sandbox.summary()["requests"] == asked


def test_the_order_of_outcomes_tells_nothing(stage: Stage, done: Callable[[Any], Batch]) -> None:
    """Those of people who were erased later do not stand behind those of people who were erased before."""
    lost, read = "375291119901", phones(2)
    batch = done(bulk_job([*read, lost]))
    for phone in (lost, *read):
        erase(stage.services, phone)
    kept = orjson.loads(stage.services.batches.read(batch.id).fields["erased:0"])
    words = [value.partition("|")[0] for value in kept]
    assert (kept, words[-1]) == (sorted(kept), "UNDELIVERED")


@pytest.mark.parametrize("raw", ["abc {}", "{} (Ann)", "call 2 {}", "home: +{}; work: 12", "Ann 8 029 123-45-67, {}1"])
def test_an_excluded_row_with_more_than_the_phone(stage: Stage, raw: str) -> None:
    """It was handed in with other words, and is found and erased all the same; a longer number is another one."""
    own, longer = "375291234567", "3752912345671"
    campaign = stage.enqueue(bulk_job([raw.format(own), f"abc {longer}", *phones(1)]))
    stage.finish(campaign)
    gone = erase(stage.services, own)
    assert gone.excluded == 1
    assert b"29 123" not in everything(stage)
    assert [row.phone for row in campaign.excluded()] == [f"abc {longer}"]
