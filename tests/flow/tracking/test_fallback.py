"""Fallback: who was not delivered in time is announced, once each, and what arrives later is reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.errors import JobError
from campaigns.events import Event, single_changes
from campaigns.person import erase
from campaigns.store.commands import Redis
from tests.support.claims import lose_what_is_due, send
from tests.support.events import check_event
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.reads import announce_batch
from tests.support.stage import Stage

#: By their last digits: never delivered, refused, no word at all, and delivered after some seconds.
SENT, DEAD, NEW, SLOW = "375297779903", "375297779911", "375297779912", "375297779907"
FALLBACK = {"fallback_after_s": 1}


@pytest.fixture
def scene(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(poll_horizon_s=60.0, reply_window_s=1.0)


def named(stage: Stage, campaign: Campaign, kind: str = "delivery.fallback_due") -> list[Event]:
    events = [event for event in stage.events(campaign) if event.type == kind.replace("delivery.", "deliveries.")]
    for event in events:
        check_event(event)
    return [single for event in events for single in single_changes(event)]


def of_phones(events: list[Event]) -> list[str]:
    return sorted(event.data["phone"] for event in events)


def done(stage: Stage, campaign: Campaign) -> bool:
    batches = stage.services.batches.read_many([f"{campaign.id}-{n}" for n in range(campaign.status().batches)])
    return all(batch.fallback_done for batch in batches)


@pytest.mark.parametrize(
    "job",
    [bulk_job([*phones(3), SENT, DEAD, NEW]), quick_job(*phones(3), SENT, DEAD, NEW)],
    ids=["bulk", "quick"],
)
def test_who_was_not_delivered(scene: Stage, job: dict[str, Any]) -> None:
    """Open, without a word and refused ones alike; each with its last status."""
    campaign = scene.enqueue({**job, **FALLBACK})
    scene.until(lambda: campaign.status().sent == 6)
    scene.until(lambda: done(scene, campaign))
    batches = scene.services.batches.read_many([f"{campaign.id}-{n}" for n in range(campaign.status().batches)])
    assert all(batch.number("fallback:0") >= batch.number("followed_ms") + 1000 for batch in batches)
    found = named(scene, campaign)
    assert of_phones(found) == [SENT, DEAD, NEW]
    assert {event.type for event in found} == {"delivery.fallback_due"}
    assert {event.data["status"] for event in found} == {"SENT", "REJECTED", "NEW"}
    scene.step_for(0.3)
    assert len(named(scene, campaign)) == 3


def test_a_list(scene: Stage) -> None:
    """Only the gateway knows who is on it."""
    scene.sandbox.make_list(77, [*phones(2), SENT])
    campaign = scene.enqueue({**list_job(77), **FALLBACK})
    scene.until(lambda: done(scene, campaign) if campaign.status().sent else False)
    assert of_phones(named(scene, campaign)) == [SENT]


def test_nobody_is_announced_whose_message_has_just_arrived(make_stage: Callable[..., Stage]) -> None:
    """Ordinary polls are a minute away: the one just before the announcement sees it."""
    stage = make_stage(poll_min_s=60.0, poll_horizon_s=600.0)
    campaign = stage.enqueue({**bulk_job([*phones(3), SENT]), **FALLBACK})
    stage.until(lambda: campaign.status().sent == 4)
    stage.until(lambda: done(stage, campaign))
    assert of_phones(named(stage, campaign)) == [SENT]
    assert stage.sandbox.summary()["requests"]["statusBulkViber"] == 1


def test_without_an_answer_it_waits(scene: Stage) -> None:
    campaign = scene.enqueue({**bulk_job([*phones(3), SENT]), **FALLBACK})
    scene.until(lambda: campaign.status().sent == 4)
    scene.sandbox.fault("error_500_before", "statusBulkViber", times=None)
    scene.step_for(1.6)
    assert (named(scene, campaign), done(scene, campaign)) == ([], False)
    scene.sandbox.clear_faults()
    scene.until(lambda: done(scene, campaign))
    assert of_phones(named(scene, campaign)) == [SENT]


def test_what_arrives_later_is_reported_once(scene: Stage) -> None:
    campaign = scene.enqueue({**bulk_job([*phones(2), SLOW, SENT]), **FALLBACK})
    scene.until(lambda: bool(named(scene, campaign, "delivery.late")))
    assert of_phones(named(scene, campaign)) == sorted([SLOW, SENT])
    (late,) = named(scene, campaign, "delivery.late")
    assert (late.data["phone"], late.data["status"]) == (SLOW, "DELIVERED")
    scene.sandbox.read(SLOW)
    scene.until(lambda: campaign.status().statuses.get("READ") == 3)
    assert len(named(scene, campaign, "delivery.late")) == 1


def test_a_scheduled_mailing_ages_from_its_time(scene: Stage) -> None:
    campaign = scene.enqueue({**bulk_job([SENT]), "fallback_after_s": 3600})
    scene.until(lambda: campaign.status().sent == 1)
    batch = scene.services.batches.read(f"{campaign.id}-0")
    due = scene.services.store.keys.due("poll", "default")
    at_ms = scene.services.store.ask(Redis.zscore, due, f"fallback|{batch.id}")
    assert at_ms == pytest.approx(batch.number("followed_ms") + 3_600_000, abs=1000)
    assert batch.fallback_due_ms == batch.number("followed_ms") + 3_600_000


def test_it_is_made_due_again_by_sweeping(scene: Stage) -> None:
    campaign = scene.enqueue({**bulk_job([*phones(2), SENT]), **FALLBACK})
    scene.until(lambda: campaign.status().sent == 3)
    lose_what_is_due(scene.services.store)
    scene.sweep()
    scene.until(lambda: done(scene, campaign))
    assert of_phones(named(scene, campaign)) == [SENT]


def test_a_batch_that_is_settled_before(scene: Stage) -> None:
    """Nothing is polled any more, and who was refused is announced all the same; the campaign stays balanced."""
    campaign = scene.enqueue({**bulk_job([*phones(2), DEAD]), **FALLBACK})
    scene.finish(campaign)
    scene.until(lambda: done(scene, campaign))
    assert of_phones(named(scene, campaign)) == [DEAD]
    scene.check(campaign)


def test_a_refused_mailing_is_not_announced(scene: Stage) -> None:
    """Its event says so, and it may be sent anew."""
    job = bulk_job([*phones(2), SENT])
    refused = bulk_job([NEW])["messages"][0]
    refused["content"] = {"type": "image", "image_url": "https://example-site.com/wrong-size.jpg"}
    job["messages"].append(refused)
    campaign = scene.enqueue({**job, **FALLBACK})
    scene.until(lambda: done(scene, campaign) if campaign.status().sent else False)
    assert of_phones(named(scene, campaign)) == [SENT]


def test_hundreds_share_an_event(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(poll_horizon_s=60.0, recipients_per_request=2000)
    silent = [f"37529{n:03d}9912" for n in range(1000)] + [f"37533{n:03d}9912" for n in range(100)]
    campaign = stage.enqueue({**bulk_job(silent), **FALLBACK})
    stage.until(lambda: done(stage, campaign) if campaign.status().sent else False)
    events = [event for event in stage.events(campaign) if event.type == "deliveries.fallback_due"]
    assert [len(event.data["changes"]) for event in events] == [250, 250, 250, 250, 100]
    assert of_phones(named(stage, campaign)) == silent


def test_an_answer_that_cannot_be_written_is_asked_for_again(scene: Stage) -> None:
    """Other workers write each time in between: by older rows, people would be announced whose message has arrived."""
    campaign = scene.enqueue({**bulk_job([*phones(3), SENT]), "fallback_after_s": 3600})
    services, batch_id = scene.services, f"{campaign.id}-0"
    send(services, batch_id)

    class Overtaken:
        def __getattr__(self, name: str) -> Any:
            return (lambda *_, **__: None) if name == "write" else getattr(services.deliveries, name)

    time.sleep(0.5)  # until the others are delivered
    overtaken: Any = Overtaken()
    announce_batch(replace(services, deliveries=overtaken), batch_id)
    assert named(scene, campaign) == []
    due = services.store.keys.due("poll", "default")
    again_ms = services.store.ask(Redis.zscore, due, f"fallback|{batch_id}")
    assert again_ms is not None
    assert again_ms < services.now_ms() + 60_000
    announce_batch(services, batch_id)
    assert of_phones(named(scene, campaign)) == [SENT]


def test_twice_at_the_same_moment(scene: Stage) -> None:
    """A second worker, or the same one after it was killed, finds nothing left to announce."""
    campaign = scene.enqueue({**bulk_job([*phones(2), SENT]), **FALLBACK})
    scene.until(lambda: campaign.status().sent == 3)
    for _ in range(2):
        announce_batch(scene.services, f"{campaign.id}-0")
    found = of_phones(named(scene, campaign))
    assert len(found) == len(set(found))
    assert SENT in found


def test_a_person_who_was_erased_is_forgotten_here_too(scene: Stage) -> None:
    campaign = scene.enqueue({**bulk_job([*phones(2), DEAD]), **FALLBACK})
    scene.finish(campaign)
    scene.until(lambda: done(scene, campaign))
    announced = scene.services.store.keys.fallback(f"{campaign.id}-0", 0)
    assert scene.services.store.ask(Redis.hkeys, announced) == [DEAD.encode()]
    assert erase(scene.services, DEAD).deliveries == 1
    assert scene.services.store.ask(Redis.hkeys, announced) == []


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"follow": "none"}, "fallback_after_s"),
        ({"forwarding_message": 1}, "fallback_after_s"),
        ({"fallback_after_s": 0}, "fallback_after_s"),
        ({"fallback_after_s": 604_801}, "fallback_after_s"),
    ],
)
def test_contradictions(stage: Stage, more: dict[str, Any], field: str) -> None:
    with pytest.raises(JobError) as caught:
        stage.enqueue({**quick_job(phones(1)[0]), **FALLBACK, **more})
    assert list(caught.value.errors) == [field]


def test_jobs_without_it_cost_nothing(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.finish(campaign)
    keys = stage.services.store.keys
    assert not stage.services.store.ask(Redis.exists, keys.fallback(f"{campaign.id}-0", 0))
    assert "fallback_after_ms" not in stage.services.batches.read(f"{campaign.id}-0").fields
    assert named(stage, campaign) == []


@pytest.mark.parametrize(("more", "minutes"), [({}, None), ({"forwarding_message": 1}, 60)])
def test_status_shows_the_gateways_own_forwarding(stage: Stage, more: dict[str, Any], minutes: int | None) -> None:
    assert stage.enqueue({**quick_job(phones(1)[0]), **more}).status().forwards_after_min == minutes


def test_status_shows_the_time_of_forwarding(stage: Stage) -> None:
    job = {**quick_job(phones(1)[0]), "forwarding_message": True, "forwarding_time": 5, "alphaname_id": 3}
    assert stage.enqueue(job).status().forwards_after_min == 5
