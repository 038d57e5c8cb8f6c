"""A replica takes the place of the store's primary: nobody is messaged twice by what it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from campaigns.ledger.states import ACCEPTED, HELD, PLANNED, SETTLED, UNKNOWN
from campaigns.sandbox.server import Sandbox
from tests.support.events import check_event
from tests.support.failover import Pair, wait_until
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.settings import fast_settings
from tests.support.stage import Stage

MakeStage = Callable[..., Stage]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with Pair() as pair:
        yield pair


@pytest.fixture
def on(pair: Pair, sandbox: Sandbox, prefix: str) -> MakeStage:
    """A stage whose store is the pair."""
    return lambda **more: Stage(fast_settings(pair.url, sandbox.url, prefix, recipients_per_request=1, **more), sandbox)


def got(stage: Stage) -> Counter[Any]:
    """How often each phone got each text."""
    return Counter((row["phone"], row["text"]) for row in stage.sandbox.ledger())


def states(stage: Stage, campaign: Any) -> Counter[str]:
    batches = stage.services.batches.read_many(stage.services.campaigns.read(campaign.id).batch_ids())
    return Counter(batch.state for batch in batches)


class TestNothingWaitsForReplicas:
    def test_what_the_replica_lacks_is_not_sent_again(self, pair: Pair, on: MakeStage) -> None:
        """Three were sent after the replica heard its last; the listing shows them, and the rest is a person's."""
        stage = on()
        campaign = stage.enqueue(bulk_job(phones(8)))
        stage.send(f"{campaign.id}-0")
        pair.settle()
        pair.link.hold()
        for number in (1, 2, 3):
            stage.send(f"{campaign.id}-{number}")
        pair.fail_over()
        stage.until(lambda: set(states(stage, campaign)) <= {ACCEPTED, SETTLED, HELD})
        assert sum(states(stage, campaign)[state] for state in (ACCEPTED, SETTLED)) == 4
        assert states(stage, campaign)[HELD] == 4
        assert set(got(stage).values()) == {1}
        assert len(got(stage)) == 4

    def test_what_is_handed_in_after_it_goes_out_at_once(self, pair: Pair, on: MakeStage) -> None:
        stage = on()
        before = stage.enqueue(bulk_job(phones(2)))
        pair.settle()
        pair.fail_over()
        after = stage.enqueue(bulk_job(phones(2), text="after"))
        stage.until(lambda: set(states(stage, after)) <= {ACCEPTED, SETTLED})
        assert states(stage, before)[PLANNED] == 0
        assert got(stage)[phones(1)[0], "hello"] == 0

    def test_what_was_planned_for_later_goes_on(self, pair: Pair, on: MakeStage) -> None:
        stage = on(schedule_lead_s=60)
        job = bulk_job(phones(1))
        job["messages"][0]["schedule_time"] = "2040-10-30T22:56:00"
        campaign = stage.enqueue(job)
        pair.settle()
        pair.fail_over()
        stage.step()
        assert states(stage, campaign) == {PLANNED: 1}

    def test_an_answer_that_comes_after_it_is_kept(self, pair: Pair, on: MakeStage) -> None:
        """The worker that sent it knows the uuid: nothing needs to be searched for."""
        stage = on()
        campaign = stage.enqueue(bulk_job(phones(1)))
        pair.settle()
        pair.link.hold()
        stage.sandbox.fault("slow", "sendBulkViber", delay_s=1.5)
        with ThreadPoolExecutor() as threads:
            sending = threads.submit(stage.send, f"{campaign.id}-0")
            wait_until(stage.sandbox.ledger)
            pair.fail_over()
            assert sending.result()
        assert states(stage, campaign) == {ACCEPTED: 1}
        stage.finish(campaign)

    def test_a_campaign_says_why_it_is_held_up(self, pair: Pair, on: MakeStage) -> None:
        stage = on()
        campaign = stage.enqueue(quick_job(*phones(1)))
        pair.settle()
        pair.fail_over()
        stage.until(lambda: states(stage, campaign)[UNKNOWN] == 1)
        (event,) = stage.services.events.since(source="store")
        check_event(event)
        assert event.type == "store.changed"
        assert event.data["doubt"] is True
        assert "lost" in stage.services.batches.read(f"{campaign.id}-0").fields["text"]


class TestAServerThatRestarts:
    """Another replication id, and nothing lost."""

    def test_goes_on_once_every_worker_was_asked(self, on: MakeStage, pair: Pair) -> None:
        stage = on()
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.send(f"{campaign.id}-0")
        pair.primary.kill()
        pair.primary.restart()
        stage.finish(campaign)
        assert len(got(stage)) == 3
