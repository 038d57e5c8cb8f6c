"""Suppression between planning and claim: a campaign that was planned long ago leaves out who could not be reached since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.flow.sending.later_optouts import exclude_later
from campaigns.ledger import SEND, Claim, Entry, ToCheck
from campaigns.store.commands import Redis
from tests.support import claims
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage

MakeStage = Callable[..., Stage]
HOUR_MS = 3_600_000


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    return make_stage(suppress_after=2)


def suppress(stage: Stage, *people: str) -> None:
    for phone in people:
        stage.services.store.ask(Redis.hset, stage.services.store.keys.suppressed(), phone, "1|2")


def planned_ago(stage: Stage, campaign: Campaign, ms: int) -> None:
    """As if it had waited so long since its planning."""
    key = stage.services.store.keys.campaign(campaign.id)
    stage.services.store.ask(Redis.hincrby, key, "created_ms", -ms)


@pytest.mark.parametrize("job", [bulk_job, lambda people: quick_job(*people)], ids=["bulk", "quick"])
def test_who_could_not_be_reached_since(stage: Stage, job: Callable[..., dict[str, object]]) -> None:
    campaign = stage.enqueue(job(phones(4)))
    suppress(stage, *phones(2))
    stage.services.optouts.add(phones(1))
    planned_ago(stage, campaign, HOUR_MS)
    stage.finish(campaign)
    recipients = campaign.status().recipients
    assert (recipients["suppressed"], recipients["opted_out"], recipients["settled"]) == (1, 1, 2)
    assert {(one.reason, one.phone) for one in campaign.excluded()} == {
        ("opted_out", phones(2)[0]),
        ("suppressed", phones(2)[1]),
    }
    reduced = [event.data for event in stage.events(campaign) if event.type == "batch.reduced"]
    assert sum(data["suppressed"] for data in reduced) == 1


def test_everybody(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2), start="draft"))
    suppress(stage, *phones(2))
    planned_ago(stage, campaign, 30 * 24 * HOUR_MS)
    campaign.approve(by="somebody else")
    stage.finish(campaign)
    assert (campaign.status().state, campaign.status().recipients["suppressed"]) == ("finished", 2)
    assert stage.sandbox.ledger() == []


def test_what_was_planned_a_moment_ago_is_not_checked_again(stage: Stage) -> None:
    """It would be for every phone that is not reached while a campaign goes out."""
    campaign = stage.enqueue(bulk_job(phones(2)))
    suppress(stage, *phones(1))
    planned_ago(stage, campaign, HOUR_MS - 60_000)
    assert isinstance(claims.claim(stage.services, f"{campaign.id}-0"), Claim)


def test_one_check_lasts_for_an_hour(stage: Stage) -> None:
    services, campaign = stage.services, stage.enqueue(bulk_job(phones(2)))
    planned_ago(stage, campaign, 2 * HOUR_MS)
    batch_id = f"{campaign.id}-0"
    found = claims.claim(services, batch_id)
    assert isinstance(found, ToCheck)
    exclude_later(services, batch_id, found.outdated)
    assert isinstance(claims.claim(services, batch_id), Claim)


def test_two_workers_check_the_same_batch(stage: Stage) -> None:
    """Both read it before either has written: nobody is excluded twice."""
    services, campaign = stage.services, stage.enqueue(bulk_job(phones(3)))
    planned_ago(stage, campaign, 2 * HOUR_MS)
    suppress(stage, *phones(1))
    batch_id = f"{campaign.id}-0"
    found = claims.claim(services, batch_id)
    assert isinstance(found, ToCheck)
    before, body = services.batches.read(batch_id), services.batches.body(batch_id)
    behind: Any = type("Behind", (), {"read": lambda _, _id: before, "body": lambda _, _id: body})()
    exclude_later(services, batch_id, found.outdated)
    exclude_later(replace(services, batches=behind), batch_id, found.outdated)
    assert campaign.status().recipients["suppressed"] == 1
    services.due.put(Entry(SEND, batch_id), before, services.now_ms())
    stage.finish(campaign)


@pytest.mark.parametrize(
    "job", [quick_job(*phones(1), transactional=True), list_job(2)], ids=["transactional", "a list of the gateway"]
)
def test_who_is_exempt(stage: Stage, job: dict[str, object]) -> None:
    campaign = stage.enqueue(job)
    suppress(stage, *phones(1))
    planned_ago(stage, campaign, 2 * HOUR_MS)
    stage.finish(campaign)
    assert campaign.status().recipients["suppressed"] == 0


def test_off_by_default(make_stage: MakeStage) -> None:
    stage = make_stage()
    campaign = stage.enqueue(bulk_job(phones(2)))
    suppress(stage, *phones(1))
    planned_ago(stage, campaign, 2 * HOUR_MS)
    assert isinstance(claims.claim(stage.services, f"{campaign.id}-0"), Claim)
