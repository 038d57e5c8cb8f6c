"""Drafts: planned and checked, and nothing goes out before a person other than their author approves them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import ApprovalError, JobError, StateError
from campaigns.ledger import Audit
from campaigns.submission import submit
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage

JOBS = {"bulk": bulk_job(phones(3)), "quick": quick_job(*phones(2)), "list": list_job(1)}


def do_what_is_due(stage: Stage) -> None:
    """Send whatever goes out by itself."""
    for _ in range(3):
        stage.sweep()
        stage.step()


@pytest.mark.parametrize("kind", JOBS)
def test_nothing_goes_out_before_it_is_approved(stage: Stage, kind: str) -> None:
    campaign = stage.enqueue(JOBS[kind], start="draft", by="ann")
    do_what_is_due(stage)
    status = campaign.status()
    assert (status.state, status.made_by, status.draft_reason) == ("draft", "ann", "it was handed in as a draft")
    assert (stage.sandbox.ledger(), set(status.requests)) == ([], {"planned"})
    campaign.approve(by="bob", why="looks well")
    assert campaign.status().draft_reason == ""
    stage.finish(campaign)
    types = stage.event_types(campaign)
    assert types[:2] == ["campaign.draft", "campaign.approved"]
    assert "campaign.ready" not in types
    (record,) = Audit(stage.services.store).newest()
    assert (record.deed, record.of, record.by, record.why) == ("campaign.approved", campaign.id, "bob", "looks well")


def test_a_large_plan_and_a_lazy_one(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(recipients_per_request=1)
    lazy = bulk_job([], text="lazy")
    del lazy["messages"][0]["delivery_list"]
    for campaign in (
        stage.enqueue(bulk_job(phones(60)), start="draft"),
        stage.enqueue(lazy, start="draft", recipients=iter(phones(60))),
    ):
        do_what_is_due(stage)
        assert (campaign.status().state, stage.sandbox.ledger()) == ("draft", [])


def test_who_made_it_cannot_approve_it(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2)), start="draft", by="Ann")
    for by in ("Ann", " ann "):
        with pytest.raises(ApprovalError, match="was made by Ann: another person has to approve it") as caught:
            campaign.approve(by=by)
        assert caught.value.by == "Ann"
    with pytest.raises(ValueError, match="who approves"):
        campaign.approve(by=" ")
    nameless = stage.enqueue(bulk_job(phones(2), text="nameless"), start="draft")
    with pytest.raises(ApprovalError):
        nameless.approve(by="application")
    assert {campaign.status().state, nameless.status().state} == {"draft"}


def test_approving_twice_and_what_is_no_draft(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2)), start="draft", by="ann")
    for act in (campaign.pause, campaign.resume):
        with pytest.raises(StateError, match="draft"):
            act()
    for _ in range(2):
        campaign.approve(by="bob")
    assert stage.event_types(campaign).count("campaign.approved") == 1
    stage.finish(campaign)
    with pytest.raises(StateError, match="finished"):
        campaign.approve(by="bob")


def test_a_draft_can_be_cancelled_and_loses_who_opts_out(stage: Stage) -> None:
    campaign, other = (stage.enqueue(bulk_job(phones(3), text=text), start="draft", by="ann") for text in "ab")
    assert campaign.cancel().recipients["cancelled"] == 3
    with pytest.raises(StateError):
        campaign.approve(by="bob")
    stage.services.optouts.add(phones(1))
    other.approve(by="bob")
    stage.finish(campaign, other)
    assert (campaign.status().state, other.status().sent) == ("cancelled", 2)
    assert {row["phone"] for row in stage.sandbox.ledger()} == set(phones(3)[1:])


def test_a_draft_without_recipients(stage: Stage) -> None:
    stage.services.optouts.add(phones(2))
    campaign = stage.enqueue(bulk_job(phones(2)), start="draft")
    assert campaign.status().state == "finished"


@pytest.mark.parametrize(
    ("settings", "job", "reason"),
    [
        ({"approval_recipients": 3}, JOBS["bulk"], "it has 3 recipients, and campaigns of 3 or more need approval"),
        ({"approval_recipients": 4}, JOBS["bulk"], ""),
        ({"approval_cost": Decimal("0.3")}, JOBS["bulk"], "its expected cost is 0.3, and campaigns of 0.3 or more"),
        ({"approval_cost": Decimal("0.4")}, JOBS["bulk"], ""),
        ({"approval_recipients": 2}, JOBS["quick"], "2 recipients"),
        ({"approval_recipients": 1_000_000}, JOBS["list"], "only the gateway knows how many"),
        ({}, JOBS["list"], ""),
    ],
)
def test_what_the_settings_ask_for(make_stage: Callable[..., Stage], settings: Any, job: Any, reason: str) -> None:
    stage = make_stage(message_cost=Decimal("0.1"), **settings)
    campaign = stage.enqueue(job)
    status = campaign.status()
    assert status.state == ("draft" if reason else "ready")
    assert reason in status.draft_reason
    do_what_is_due(stage)
    assert (stage.sandbox.ledger() == []) is bool(reason)


def test_however_a_job_comes(make_stage: Callable[..., Stage]) -> None:
    """One of many, and as a message: the settings hold for all."""
    stage = make_stage(approval_recipients=3)
    jobs = [bulk_job(phones(2)), bulk_job(phones(3)), {**bulk_job(phones(1)), "start": "draft"}]
    found = enqueue_many(stage.services, jobs, by="ann")
    small, large, own = [one.campaign.status() for one in found if one.campaign is not None]
    assert [status.state for status in (small, large, own)] == ["ready", "draft", "draft"]
    assert large.made_by == "ann"
    sent = submit(stage.services, bulk_job(phones(3), text="sent"), key=None, strict=False, message_id="m")
    status = Campaign.of(stage.services, sent).status()
    assert (status.state, status.made_by) == ("draft", "application")
    do_what_is_due(stage)
    assert {row["phone"] for row in stage.sandbox.ledger()} == set(phones(2))


def test_the_same_job_is_the_same_campaign_however_it_starts(stage: Stage) -> None:
    job = bulk_job(phones(2))
    first = stage.enqueue(job, key="k", start="draft")
    assert stage.enqueue(job, key="k") == first
    assert first.status().state == "draft"


def test_what_is_no_start(stage: Stage) -> None:
    with pytest.raises(JobError, match="start: must be one of now, draft"):
        stage.enqueue(bulk_job(phones(1)), start="later")
    assert stage.enqueue({**bulk_job(phones(1)), "start": "draft"}, start="now").status().state == "draft"
