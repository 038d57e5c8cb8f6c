"""Another time for what is still here: sooner, later, for every kind, and never for what the gateway has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from campaigns.errors import StateError
from campaigns.flow.operator.recover import declare_restored
from campaigns.ledger import Audit
from campaigns.store.commands import Redis
from tests.support.claims import due_sets
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.moved import Moved
from tests.support.stage import Stage

LEAD_S = 60.0


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Moved:
    return Moved(make_stage(schedule_lead_s=LEAD_S, recipients_per_request=2))


@pytest.mark.parametrize("to_s", [300.0, 1200.0])
def test_a_bulk_campaign_goes_out_at_its_new_time(stage: Moved, to_s: float) -> None:
    campaign = stage.scheduled(at_s=600)
    stage.step()
    assert campaign.reschedule(stage.at(to_s)) == 2
    assert [at.isoformat() for at in campaign.status().scheduled_at] == [stage.at(to_s)]
    stage.go_to(to_s - LEAD_S - 5)
    assert (campaign.status().requests, stage.sandbox.ledger()) == ({"planned": 2}, [])
    stage.go_to(to_s - LEAD_S + 5)
    status = campaign.status()
    assert (status.requests, status.out_of_reach) == ({"accepted": 2}, 3)
    assert stage.starts() == [stage.at(to_s)] * 3
    batch = stage.services.batches.read(f"{campaign.id}-0")
    assert batch.number("followed_ms") == round(datetime.fromisoformat(stage.at(to_s)).timestamp() * 1000)


def test_a_list_mailing(stage: Moved) -> None:
    campaign = stage.enqueue(list_job(1, d_schedule=stage.at(600)))
    to = stage.minute(1200)
    campaign.reschedule(to)
    stage.go_to(700)
    assert campaign.status().requests == {"planned": 1}
    stage.go_to(1199)
    assert campaign.status().requests == {"accepted": 1}
    assert set(stage.starts()) == {to.isoformat()}


@pytest.mark.parametrize("begun", [False, True])
def test_a_list_mailing_that_was_created_for_its_old_time(stage: Moved, begun: bool) -> None:
    """It is created anew, unless its confirmation has begun: then it goes out when the new time has come."""
    campaign = stage.enqueue(list_job(1, d_schedule=stage.at(600)))
    if begun:
        stage.sandbox.fault("too_many", "confirmViberMessage", retry_after="1")
    else:
        stage.sandbox.fault("refuse_account", "getViberMessageData")
    stage.go_to(599)
    assert campaign.status().requests == {"planned": 1}
    batch = stage.services.batches.read(f"{campaign.id}-0")
    ((created,),) = batch.all_message_ids.values()
    assert ("confirming_ms" in batch.fields) is begun
    to = stage.minute(9000)
    campaign.reschedule(to)
    stage.go_to((to - stage.began).total_seconds() - LEAD_S - 5)
    assert campaign.status().requests == {"planned": 1}
    stage.go_to((to - stage.began).total_seconds() - 5)
    assert campaign.status().requests == ({"planned": 1} if begun else {"accepted": 1})
    stage.go_to((to - stage.began).total_seconds() + 1)
    assert campaign.status().requests == {"accepted": 1}
    again = stage.services.batches.read(f"{campaign.id}-0").message_ids[0]
    assert (again == created) is begun
    if not begun:
        assert set(stage.starts()) == {to.isoformat()}


def test_what_had_no_time_gets_one_and_quick_messages_wait_here(stage: Moved) -> None:
    bulk, quick = stage.enqueue(bulk_job(phones(3))), stage.enqueue(quick_job(*phones(2, start=50)))
    for campaign in (bulk, quick):
        campaign.reschedule(stage.at(600))
    stage.go_to(300)
    assert stage.sandbox.ledger() == []
    stage.go_to(595)
    assert (bulk.status().requests, quick.status().requests) == ({"accepted": 2}, {"planned": 2})
    stage.go_to(601)
    assert quick.status().sent == 2
    stage.moved_ms += 10_000
    stage.finish(bulk, quick)


def test_a_campaign_of_several_times_and_half_at_the_gateway(stage: Moved) -> None:
    job = bulk_job(phones(2))
    (later,) = bulk_job(phones(3, start=20))["messages"]
    job["messages"][0]["schedule_time"] = stage.at(300)
    job["messages"].append({**later, "name": "later", "schedule_time": stage.at(900)})
    campaign = stage.enqueue(job)
    stage.go_to(250)
    assert campaign.status().out_of_reach == 2
    assert campaign.reschedule(stage.at(400)) == 2
    status = campaign.status()
    assert [at.isoformat() for at in status.scheduled_at] == [stage.at(300), stage.at(400)]
    assert (status.out_of_reach, status.recipients["planned"]) == (2, 3)
    stage.go_to(345)
    assert sorted(stage.starts()) == [stage.at(300)] * 2 + [stage.at(400)] * 3
    stage.moved_ms += 60_000
    stage.finish(campaign)
    with pytest.raises(StateError, match="cannot reschedule"):
        campaign.reschedule(stage.at(5000))


def test_one_that_is_paused_and_past_its_time(stage: Moved) -> None:
    campaign = stage.scheduled(at_s=300)
    campaign.pause()
    stage.go_to(500)
    campaign.reschedule(stage.at(900))
    campaign.resume()
    stage.go_to(600)
    assert stage.sandbox.ledger() == []
    stage.go_to(850)
    assert stage.starts() == [stage.at(900)] * 3


def test_cancel_and_opt_outs_reach_it_until_then(stage: Moved) -> None:
    campaign, other = stage.scheduled(at_s=600), stage.scheduled(at_s=600, text="other")
    for one in (campaign, other):
        one.reschedule(stage.at(1200))
    campaign.cancel()
    stage.services.optouts.add(phones(1))
    stage.moved_ms += 1_150_000
    stage.until(lambda: other.status().sent == 2)
    assert campaign.status().recipients["cancelled"] == 3
    stage.check(campaign)
    stage.check(other)


def test_it_is_recorded_once_and_harmless_when_repeated(stage: Moved) -> None:
    campaign = stage.scheduled(at_s=600)
    for _ in range(2):
        assert campaign.reschedule(stage.at(900), by="ann", why="rain") == 2
    assert stage.event_types(campaign).count("campaign.rescheduled") == 1
    (event,) = [event for event in stage.events(campaign) if event.type == "campaign.rescheduled"]
    at_ms = round(datetime.fromisoformat(stage.at(900)).timestamp() * 1000)
    assert event.data == {"schedule_ms": at_ms, "batches": 2, "recipients": 3, "by": "ann", "why": "rain"}
    (record,) = Audit(stage.services.store).newest()
    assert (record.deed, record.of, record.by, record.number) == ("campaign.rescheduled", campaign.id, "ann", 3)
    stage.check(campaign)


def test_its_requests_outlive_the_wait(make_stage: Callable[..., Stage]) -> None:
    stage = Moved(make_stage(schedule_lead_s=LEAD_S, body_retention_s=100.0))
    campaign = stage.scheduled(at_s=600)
    campaign.reschedule(stage.at(6000))
    store = stage.services.store
    assert store.ask(Redis.pttl, store.keys.body(f"{campaign.id}-0")) > 6_050_000


def test_what_was_lost_from_the_due_sets_keeps_its_new_time(stage: Moved) -> None:
    campaign = stage.scheduled(at_s=600)
    campaign.reschedule(stage.at(900))
    stage.services.store.ask(Redis.delete, *due_sets(stage.services.store))
    stage.sweep()
    stage.go_to(700)
    assert stage.sandbox.ledger() == []
    stage.go_to(850)
    assert stage.starts() == [stage.at(900)] * 3


@pytest.mark.parametrize("when", ["tomorrow", "2020-01-01 10:00", 5])
def test_what_is_no_time_to_come(stage: Moved, when: Any) -> None:
    campaign = stage.scheduled(at_s=600)
    with pytest.raises(ValueError, match=r"must|is in the past"):
        campaign.reschedule(when)
    assert stage.event_types(campaign) == ["campaign.ready"]


def test_after_a_backup_any_time_that_it_ever_had_makes_it_doubtful(stage: Moved) -> None:
    """It may have gone out by the earliest of them, whichever it has now."""
    campaign = stage.scheduled(at_s=6000)
    for at_s in (30, 9000):
        campaign.reschedule(stage.at(at_s))
    stage.step()
    declare_restored(stage.services, "ann")
    stage.go_to(8950)
    assert campaign.status().requests == {"unknown": 2}
    assert stage.sandbox.ledger() == []
