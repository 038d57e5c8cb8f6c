"""Room in the event stream: the cap protects what is unread, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from campaigns.campaign import Campaign
from campaigns.consume import consume
from campaigns.events import Consumer, Groups
from campaigns.flow.scheduling.stream_room import TRIM_ENTRY, keep_room
from campaigns.store.commands import Redis, command
from tests.support.events import check_event
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage


@pytest.fixture
def small(make_stage: Callable[..., Stage]) -> Stage:
    """A stage whose stream holds a hundred events."""
    return make_stage(events_cap=100)


def fill(stage: Stage, number: int = 110) -> None:
    store = stage.services.store
    store.ask_many([command(Redis.xadd, store.keys.events(), {"type": "x"})] * number)


def full(stage: Stage) -> Campaign:
    """A campaign that waits because a group has left too much unread."""
    Consumer(stage.services.store, "slow").create_group()
    fill(stage)
    keep_room(stage.services)
    campaign = stage.enqueue(bulk_job(phones(2)))
    for _ in range(3):
        stage.step()
    return campaign


def read_all(stage: Stage, group: str = "slow") -> None:
    list(consume(group, idle_s=0.05, settings=stage.services.settings))
    keep_room(stage.services)


def waits(campaign: Campaign) -> bool:
    return campaign.status().recipients["planned"] == 2


def about_sending(stage: Stage) -> list[str]:
    events = [event for event in stage.services.events.since() if event.source == "events"]
    for event in events:
        check_event(event)
    return [event.type for event in events]


class TestWithoutReaders:
    """What no group wants makes room for what comes."""

    def test_nothing_pauses(self, small: Stage) -> None:
        """Single messages go on for as long as anybody sends them, whatever the cap."""
        campaigns = []
        for number in range(30):
            campaigns.append(small.enqueue(quick_job(*phones(1, start=number))))
            small.until(lambda: campaigns[-1].status().recipients["planned"] == 0)
            keep_room(small.services)
        assert {campaign.status().recipients["planned"] for campaign in campaigns} == {0}
        assert {campaign.status().events_full_since for campaign in campaigns} == {None}
        assert len(small.services.events) <= 100
        assert about_sending(small) == []

    def test_what_all_have_read_makes_room(self, small: Stage) -> None:
        """Though it is younger than the least life of an event."""
        Consumer(small.services.store, "crm").create_group()
        fill(small, 300)
        read_all(small, "crm")
        assert len(small.services.events) <= 100
        campaign = small.enqueue(bulk_job(phones(2)))
        small.finish(campaign)

    def test_what_is_young_stays_while_there_is_room(self, small: Stage) -> None:
        fill(small, 90)
        keep_room(small.services)
        assert len(small.services.events) == 90


class TestFull:
    """A pause that begins and ends by itself."""

    def test_it_ends_once_there_is_room(self, small: Stage) -> None:
        campaign = full(small)
        assert waits(campaign)
        status = campaign.status()
        assert (status.state, status.events_full_group) == ("ready", "slow")
        assert status.events_full_since is not None
        assert about_sending(small) == ["sending.paused"]
        read_all(small)
        assert campaign.status().events_full_since is None
        small.finish(campaign)
        assert about_sending(small)[-1] == "sending.resumed"

    def test_nothing_unread_is_lost(self, small: Stage) -> None:
        store = small.services.store
        Consumer(store, "slow").create_group()
        Consumer(store, "fast").create_group()
        fill(small, 300)
        list(consume("fast", idle_s=0.05, settings=small.services.settings))
        before = len(small.services.events)
        keep_room(small.services)
        assert len(small.services.events) == before + 1  # that sending pauses

    def test_what_one_took_and_never_did_is_unread(self, small: Stage) -> None:
        store = small.services.store
        store.create_group(store.keys.events(), "slow", "0")
        fill(small)
        store.redis.xreadgroup("slow", "gone", {store.keys.events(): ">"}, count=1)
        store.redis.xgroup_setid(store.keys.events(), "slow", "$")
        keep_room(small.services)
        assert small.services.events.full() is not None

    def test_it_does_not_flutter(self, small: Stage) -> None:
        """A tenth of the cap must be free before sending goes on."""
        store = small.services.store
        full(small)
        taken = store.redis.xreadgroup("slow", "s", {store.keys.events(): ">"}, count=15)[0][1]
        store.ask(Redis.xack, store.keys.events(), "slow", *(position for position, _ in taken))
        keep_room(small.services)
        assert small.services.events.full() is not None
        taken = store.redis.xreadgroup("slow", "s", {store.keys.events(): ">"}, count=20)[0][1]
        store.ask(Redis.xack, store.keys.events(), "slow", *(position for position, _ in taken))
        keep_room(small.services)
        assert small.services.events.full() is None

    def test_a_deleted_group_holds_nothing_up(self, small: Stage) -> None:
        campaign = full(small)
        assert Groups(small.services.store).delete("slow")
        small.finish(campaign)

    def test_workers_trim_by_themselves(self, small: Stage) -> None:
        """Nothing but ticks and turns is needed, and sweeping a hundred thousand campaigns does not delay it."""
        Consumer(small.services.store, "slow").create_group()
        fill(small)
        small.services.due.put_control(TRIM_ENTRY, 0)
        small.step()
        assert small.services.events.full() is not None


class TestWithAPerson:
    """A person's pause is a person's, and the stream's is the stream's."""

    def test_who_pauses_meanwhile_stays_paused(self, small: Stage) -> None:
        campaign = full(small)
        campaign.pause()
        read_all(small)
        for _ in range(3):
            small.step()
        assert campaign.status().state == "paused"
        assert waits(campaign)
        campaign.resume()
        small.finish(campaign)

    def test_resuming_does_not_override_it(self, small: Stage) -> None:
        campaign = full(small)
        campaign.pause()
        campaign.resume()
        for _ in range(3):
            small.step()
        assert waits(campaign)
        assert campaign.status().events_full_since is not None
        read_all(small)
        small.finish(campaign)

    def test_cancelling_works(self, small: Stage) -> None:
        campaign = full(small)
        assert campaign.cancel().recipients["cancelled"] == 2


def test_trimming_goes_in_small_steps(small: Stage) -> None:
    """One call drops a thousand entries at most, and returns whether there are more."""
    fill(small, 5000)
    trimmed = small.services.events.trim(0, 100)
    assert 0 < trimmed.dropped <= 1000
    assert trimmed.left == 5000 - trimmed.dropped
    assert not keep_room(small.services, lambda: False)
    assert keep_room(small.services)
    assert len(small.services.events) <= 100


def test_a_group_whose_name_is_no_text(small: Stage) -> None:
    """It counts like any other, and can be dropped by the name that is shown."""
    store, name = small.services.store, b'\xff\n"crm'
    store.create_group(store.keys.events(), name, "0")  # type: ignore[arg-type]  # others' names may be bytes
    fill(small)
    keep_room(small.services)
    assert about_sending(small) == ["sending.paused"]
    (group,) = Groups(store).all()
    assert group.unread >= 110
    assert Groups(store).delete(group.name)
    keep_room(small.services)
    assert small.services.events.full() is None


def test_a_pause_is_logged_when_it_begins_and_when_it_ends(small: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """In between the pause is checked every second, which is logged at DEBUG only."""
    caplog.set_level(logging.DEBUG, "campaigns.flow.scheduling.stream_room")
    full(small)
    keep_room(small.services)
    read_all(small)
    keep_room(small.services)
    logged = [(r.levelname, r.message) for r in caplog.records if r.name == "campaigns.flow.scheduling.stream_room"]
    loud = [(level, event) for level, event in logged if level != "DEBUG"]
    assert loud == [("ERROR", "sending_paused"), ("WARNING", "sending_resumed")]
    assert ("DEBUG", "sending_paused") in logged
