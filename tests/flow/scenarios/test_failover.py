"""A replica takes the place of the store's primary: what it lacks leads to no double send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from campaigns import Client, person
from campaigns.campaign import Campaign
from campaigns.errors import NotReplicatedError, StoreError
from campaigns.flow.operator.recover import declare_restored, held_up, last_change, withdraw_doubt
from campaigns.flow.tracking.callbacks import callback_url, take_callback
from campaigns.ledger.states import ACCEPTED, HELD, PLANNED, SETTLED, UNKNOWN
from campaigns.sandbox.server import Sandbox
from campaigns.store.client import Safety, ScriptCall, Store
from campaigns.store.commands import Redis
from campaigns.wiring import build_services
from tests.support.events import check_event
from tests.support.failover import Pair, client, info
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.reads import fetch_batch
from tests.support.settings import fast_settings
from tests.support.stage import Stage
from tests.support.waiting import wait_until

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
    @pytest.mark.clear_listing
    def test_what_the_replica_lacks_is_not_sent_again(self, pair: Pair, on: MakeStage) -> None:
        """Three went out after the replica's last write. The listing shows them; a person decides about the others."""
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


class TestABackup:
    def test_that_a_worker_knows_better_than_is_doubted(self, stage: Stage) -> None:
        """A data folder put back from a moment ago under workers that never stopped: the store goes by an old claim."""
        primary = stage.services.store.keys.primary()
        campaign = stage.enqueue(bulk_job(phones(1)))
        stage.step()
        stage.services.store.ask(Redis.hset, primary, "claims", 0)
        waiting = stage.enqueue(bulk_job(phones(1), text="waits"))
        stage.until(lambda: UNKNOWN in states(stage, waiting) or HELD in states(stage, waiting))
        (event,) = stage.services.events.since(source="store")
        check_event(event)
        assert (event.data["how"], event.data["doubt"]) == ("went back", True)
        assert PLANNED not in states(stage, campaign)

    def test_that_comes_back_long_after_it_stopped_amid_work_is_doubted(self, stage: Stage) -> None:
        services, primary = stage.services, stage.services.store.keys.primary()
        campaign = stage.enqueue(bulk_job(phones(1)))
        long_ago_ms = services.now_ms() - 3_600_000
        services.store.ask(Redis.zadd, services.store.keys.workers(), {"host|2|bulk,": long_ago_ms})
        services.store.ask(Redis.hset, primary, None, None, {"replid": "a" * 40, "seen_ms": long_ago_ms})
        stage.until(lambda: PLANNED not in states(stage, campaign))
        assert not stage.sandbox.ledger()

    def test_that_a_person_tells_of_is_doubted_and_listed(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        declare_restored(stage.services, "ann")
        stage.until(lambda: PLANNED not in states(stage, campaign))
        change = last_change(stage.services)
        assert change is not None
        assert (change.how, change.doubt, change.doubted) == ("restored", True, 1)
        assert [batch.id for batch in held_up(stage.services)] == [f"{campaign.id}-0"]
        assert not stage.sandbox.ledger()

    def test_that_lost_nothing_by_a_persons_word_is_sent_on(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        declare_restored(stage.services, "ann")
        stage.until(lambda: PLANNED not in states(stage, campaign))
        assert withdraw_doubt(stage.services, "ann") == 1
        stage.finish(campaign)
        assert len(stage.sandbox.ledger()) == 1
        for event in stage.services.events.since(source="store"):
            check_event(event)


class TestReplicasMustHaveIt:
    """`replicas` is 1: what the replica lacks does not count."""

    def test_nothing_is_lost_and_nothing_is_held_up(self, pair: Pair, on: MakeStage) -> None:
        stage = on(replicas=1)
        campaign = stage.enqueue(bulk_job(phones(6)))
        pair.link.lag_s = 0.25
        with ThreadPoolExecutor() as threads, suppress(StoreError):
            working = threads.submit(stage.step)
            wait_until(lambda: len(stage.sandbox.ledger()) >= 2)
            pair.fail_over()
            pair.rejoin()
            working.result()
        stage.finish(campaign)
        assert len(got(stage)) == 6
        assert "batch.held" not in stage.event_types(campaign)

    def test_a_claim_that_they_lack_sends_nothing_and_comes_again(self, pair: Pair, on: MakeStage) -> None:
        stage = on(replicas=1, replicas_wait_s=0.2)
        campaign = stage.enqueue(bulk_job(phones(2)))
        pair.link.hold()
        stage.step()
        assert states(stage, campaign) == {PLANNED: 2}
        assert not stage.sandbox.ledger()
        batch = stage.services.batches.read(f"{campaign.id}-0")
        assert "not replicated" in batch.fields["text"]
        assert stage.services.store.ask(Redis.zcard, f"{stage.services.store.keys.permits('default')}:busy") == 0
        pair.link.go_on()
        stage.finish(campaign)

    def test_a_job_that_they_lack_is_refused_and_can_come_again(self, pair: Pair, on: MakeStage) -> None:
        stage = on(replicas=1, replicas_wait_s=0.2)
        pair.link.hold()
        with pytest.raises(StoreError, match="nothing is stored: 0 of 1 replicas"):
            stage.enqueue(bulk_job(phones(2)), key="order 7")
        pair.link.go_on()
        stage.step()
        assert not stage.sandbox.ledger()
        assert stage.services.campaigns.active() == []
        campaign = stage.enqueue(bulk_job(phones(2)), key="order 7")
        stage.finish(campaign)
        assert len(got(stage)) == 2

    def test_what_a_person_asks_for_is_not_confirmed(self, pair: Pair, on: MakeStage) -> None:
        """Pause, cancel, opt-out and erasing: done, but a failover may undo it, so it is said."""
        stage = on(replicas=1, replicas_wait_s=0.2, callback_base_url="http://127.0.0.1:9/viber")
        campaign = stage.enqueue(bulk_job(phones(2)))
        services = stage.services
        path = callback_url(services, services.batches.read(f"{campaign.id}-0"), None)
        pair.link.hold()
        for ask in (
            campaign.pause,
            campaign.cancel,
            lambda: Client.over(services).optouts.add(phones(1)),
            lambda: Client.over(services).optouts.add(phones(1), topic="offers"),
            lambda: person.erase(services, phones(1, start=90)[0]),
            lambda: take_callback(services, str(path), b""),
        ):
            with pytest.raises(NotReplicatedError, match="0 of 1 replicas"):
                ask()
        pair.link.go_on()
        campaign.cancel()

    def test_a_reply_that_they_lack_is_not_marked(self, pair: Pair, on: MakeStage) -> None:
        stage = on(replicas=1, replicas_wait_s=0.2)
        campaign = stage.enqueue(bulk_job(phones(1)))
        stage.until(lambda: bool(stage.services.batches.read(f"{campaign.id}-0").message_ids))
        stage.sandbox.reply(phones(1)[0], "hello")
        pair.link.hold()
        with pytest.raises(NotReplicatedError):
            fetch_batch(stage.services, f"{campaign.id}-0")
        (message_id,) = stage.services.batches.read(f"{campaign.id}-0").message_ids.values()
        assert len(stage.services.gateway("default").get_new_incoming_messages(message_id)) == 1

    def test_a_repeated_pipeline_does_not_count_what_the_first_wrote(self, pair: Pair, on: MakeStage) -> None:
        """WAIT goes by the writes of its own connection, and a script that was carried out writes nothing again."""
        stage = on(replicas=1, replicas_wait_s=0.2)
        pair.link.hold()
        for _ in range(2):
            with pytest.raises(NotReplicatedError):
                Client.over(stage.services).optouts.add(phones(1))
            stage.services.store.redis.connection_pool.disconnect()


class WaitsForNoReplica(Store):
    """A mutant: it says that replicas have everything."""

    def run_replicated(self, calls: Sequence[ScriptCall]) -> tuple[list[Any], bool]:
        return self.run_in_turn(calls), True


@pytest.mark.parametrize(("mutant", "most"), [("no wait", 2), ("replication id ignored", 2), ("", 1)])
def test_without_either_protection_people_are_messaged_twice(pair: Pair, on: MakeStage, mutant: str, most: int) -> None:
    """The worker that sent dies with the primary, so that only the server shows the change."""
    stage = on(replicas=1 if mutant == "no wait" else 0)
    campaign = stage.enqueue(bulk_job(phones(2)))
    pair.settle()
    pair.link.hold()
    if mutant == "no wait":
        store = stage.services.store
        stage.services = build_services(
            stage.services.settings, store=WaitsForNoReplica(store.redis, store.keys, safety=Safety(1))
        )
    stage.step()
    assert len(got(stage)) == 2
    pair.fail_over()
    if mutant == "no wait":
        pair.rejoin()
    if mutant == "replication id ignored":
        with client(pair.replica) as replica:
            replica.hset(stage.services.store.keys.primary(), "replid", info(pair.replica)["master_replid"])
    later = Stage(stage.services.settings, stage.sandbox)
    again = Campaign.of(later.services, campaign.id)
    later.until(lambda: set(states(later, again)) <= {ACCEPTED, SETTLED, HELD})
    assert max(got(later).values()) == most
