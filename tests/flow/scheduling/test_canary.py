"""Canaries: a first part goes out alone, and what becomes of it decides about the others."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.errors import JobError
from campaigns.flow.scheduling.canary import Findings, Part, Verdict, judged
from campaigns.flow.scheduling.work import work
from campaigns.jobs.values import Canary
from campaigns.people.explaining import explained
from campaigns.person import find_person
from campaigns.send_test import send_test
from campaigns.store.commands import Redis
from tests.support.claims import due_sets
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage

#: Phones that the gateway rejects at once.
DEAD = [f"37529{n}9911" for n in range(100, 120)]
KINDS: dict[str, Callable[[list[str]], dict[str, Any]]] = {"bulk": bulk_job, "quick": lambda to: quick_job(*to)}
UNATTENDED = {"canary": 4, "canary_wait_s": 120}


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(recipients_per_request=3, poll_horizon_s=60.0)


def settle(stage: Stage, campaign: Campaign) -> None:
    """Step until the canary is judged."""
    stage.until(lambda: campaign.status().canary != "under way", 30)


def do_what_is_due(stage: Stage) -> None:
    """Send whatever goes out by itself."""
    for _ in range(4):
        stage.sweep()
        stage.step()


@pytest.mark.parametrize("kind", KINDS)
def test_the_others_follow_one_that_does_well(stage: Stage, kind: str) -> None:
    campaign = stage.enqueue({**KINDS[kind](phones(10)), "canary": 4, "canary_wait_s": 1})
    stage.step()
    assert sorted(row["phone"] for row in stage.sandbox.ledger()) == phones(4)
    status = campaign.status()
    assert (status.state, status.canary, status.recipients["planned"]) == ("ready", "under way", 6)
    settle(stage, campaign)
    assert campaign.status().canary == "passed"
    stage.finish(campaign, timeout_s=30)
    (event,) = [event for event in stage.events(campaign) if event.type == "campaign.canary_passed"]
    assert event.data == {"recipients": 4, "arrived": event.data["arrived"], "failed": 0}
    assert event.data["arrived"] > 0
    assert Counter(row["phone"] for row in stage.sandbox.ledger()) == Counter(phones(10))


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_fails_pauses_the_campaign_and_says_why(stage: Stage, kind: str) -> None:
    campaign = stage.enqueue({**KINDS[kind]([*phones(2), *DEAD[:2], *phones(6, start=50)]), **UNATTENDED})
    settle(stage, campaign)
    status = campaign.status()
    # Already one of them is too many.
    assert (status.state, status.canary) == ("paused", "failed")
    assert re.fullmatch("[12] of 4 recipients failed, and at most 20% may", status.canary_reason)
    (event,) = [event for event in stage.events(campaign) if event.type == "campaign.canary_failed"]
    assert event.data["reason"] == status.canary_reason
    do_what_is_due(stage)
    assert len(stage.sandbox.ledger()) == 4
    campaign.resume(by="ann", why="known numbers")
    stage.finish(campaign, timeout_s=30)
    assert len(stage.sandbox.ledger()) == 10


def test_one_in_doubt_is_held_although_others_are_to_be_sent(make_stage: Callable[..., Stage]) -> None:
    """They wait for the canary: a doubt that waited for them to bring proof would wait for itself."""
    stage = make_stage(recipients_per_request=3, poll_horizon_s=60.0, settle_window_s=0.5, check_interval_s=0.1)
    stage.sandbox.fault("reset_before", "sendBulkViber")
    campaign = stage.enqueue({**bulk_job(phones(9)), "canary": 3, "canary_wait_s": 1, "on_unknown": "resend"})
    stage.until(lambda: campaign.status().state == "paused", 30)
    status = campaign.status()
    assert (status.canary, status.recipients["held"], stage.sandbox.ledger()) == ("failed", 3, [])


def test_until_when_results_are_waited_for(stage: Stage) -> None:
    campaign = stage.enqueue({**bulk_job(phones(10)), **UNATTENDED})
    stage.until(lambda: campaign.status().canary_until is not None)
    status = campaign.status()
    assert status.canary_until is not None
    assert 120 <= (status.canary_until - status.created_at).total_seconds() < 160
    do_what_is_due(stage)
    assert len(stage.sandbox.ledger()) == 4
    for phone, waits in ((phones(10)[0], False), (phones(10)[-1], True)):
        lines = explained(phone, list(find_person(stage.services, phone)), (), UTC)
        assert any("waits for the results of the canary" in line for line in lines) == waits
    assert campaign.cancel().recipients["cancelled"] == 6
    stage.finish(campaign, timeout_s=60)
    assert campaign.status().canary == ""


def test_what_the_gateway_refuses_fails_at_once(stage: Stage) -> None:
    stage.sandbox.fault("refuse", "sendBulkViber")
    campaign = stage.enqueue({**bulk_job(phones(10)), **UNATTENDED, "canary": 3})
    settle(stage, campaign)
    assert "3 of 3 recipients failed" in campaign.status().canary_reason
    assert stage.sandbox.ledger() == []


def test_who_is_excluded_is_no_canary(stage: Stage) -> None:
    """Nor is the canary larger for it that one request would hold more."""
    stage.services.optouts.add(phones(2))
    stage.enqueue({**bulk_job(["no phone", *phones(10)]), **UNATTENDED})
    do_what_is_due(stage)
    assert sorted(row["phone"] for row in stage.sandbox.ledger()) == phones(4, start=2)


def test_one_that_holds_all_of_it_waits_for_nothing(stage: Stage) -> None:
    campaign = stage.enqueue({**bulk_job(phones(4)), **UNATTENDED, "canary": 100})
    assert campaign.status().canary == ""
    stage.finish(campaign, timeout_s=30)


def test_bit_by_bit_and_from_a_stream(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(recipients_per_request=1)
    lazy = bulk_job([], text="lazy")
    del lazy["messages"][0]["delivery_list"]
    stage.enqueue({**bulk_job(phones(60)), **UNATTENDED})
    stage.enqueue({**lazy, **UNATTENDED}, recipients=iter(phones(60)))
    do_what_is_due(stage)
    assert Counter(row["text"] for row in stage.sandbox.ledger()) == {"hello": 4, "lazy": 4}


def test_pause_resume_a_draft_and_lost_due_times(stage: Stage) -> None:
    campaign = stage.enqueue({**bulk_job(phones(10)), **UNATTENDED}, start="draft", by="ann")
    do_what_is_due(stage)
    assert stage.sandbox.ledger() == []
    campaign.approve(by="bob")
    do_what_is_due(stage)
    campaign.pause()
    stage.step()
    campaign.resume()
    do_what_is_due(stage)
    stage.services.store.ask(Redis.delete, *due_sets(stage.services.store))
    do_what_is_due(stage)
    assert (campaign.status().canary, len(stage.sandbox.ledger())) == ("under way", 4)


def test_a_window_and_a_test(stage: Stage) -> None:
    """A test is not held back."""
    send_test(stage.services, {**bulk_job(phones(2)), **UNATTENDED, "canary": 1}, to=phones(2))
    stage.step()
    assert len(stage.sandbox.ledger()) == 2


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"canary": 0}, "canary: must be at least 1|canary: must lie between"),
        ({"canary": 5, "canary_max_failed": 20}, "canary_max_failed: must be a share from 0 to 1"),
        ({"canary_wait_s": 60}, "canary_wait_s: can only be used with canary"),
        ({"canary": 5, "follow": "none"}, "canary: cannot be judged with follow: none"),
        ({**list_job(1), "canary": 5}, "canary: has no place in a job of kind list"),
    ],
)
def test_what_does_not_fit_together(stage: Stage, fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(JobError, match=problem):
        stage.enqueue(fields if "kind" in fields else {**bulk_job(phones(1)), **fields})


def two_mailings(first: list[str], second: list[str], **more: Any) -> dict[str, Any]:
    job = bulk_job(first, text="first", **UNATTENDED, **more)
    job["messages"] += bulk_job(second, text="second")["messages"]
    for name, mailing in zip("AB", job["messages"], strict=True):
        mailing["name"] = name
    return job


def test_each_mailing_has_its_part(stage: Stage) -> None:
    """And the same when it is stored bit by bit, from lists that are longer than planning reads at a time."""
    stage.enqueue(two_mailings(phones(10), phones(10, start=50)))
    stage.enqueue(two_mailings(phones(1500, start=5000), phones(1200, start=9000), name="large"))
    do_what_is_due(stage)
    sent = [(row["text"], row["phone"]) for row in stage.sandbox.ledger()]
    assert sorted(sent) == sorted(
        (text, phone)
        for text, starts in (("first", (0, 5000)), ("second", (50, 9000)))
        for start in starts
        for phone in phones(2, start=start)
    )


def test_a_mailing_that_fails_is_not_outweighed(stage: Stage) -> None:
    """Two of twelve are less than a fifth of all, but two of six in their mailing are more."""
    job = two_mailings(phones(100), [*DEAD[:2], *phones(100, start=500)])
    job["canary"] = 12
    campaign = stage.enqueue(job)
    settle(stage, campaign)
    assert re.fullmatch("2 of 6 recipients of B failed, and at most 20% may", campaign.status().canary_reason)
    (event,) = [event for event in stage.events(campaign) if event.type == "campaign.canary_failed"]
    assert event.data["mailing"] == "B"
    cause = {"code": "too_many_failed", "failed": 2, "recipients": 6, "most": 0.2, "mailing": "B"}
    assert campaign.status().as_dict()["canary_cause"] == cause


def test_a_mailing_that_the_gateway_refuses(stage: Stage) -> None:
    job = two_mailings(phones(20), phones(5, start=500), canary_max_failed=0.9)
    job["messages"][1]["content"] = {"type": "image", "image_url": "https://example-site.com/wrong-size.jpg"}
    campaign = stage.enqueue(job)
    settle(stage, campaign)
    assert campaign.status().canary_reason == "2 of 2 recipients of B failed, and at most 90% may"


@pytest.mark.parametrize("most", [1, 10])
def test_a_mailing_whose_part_has_opted_out_is_not_missed(make_stage: Callable[..., Stage], most: int) -> None:
    """Its request is not made, if it holds nobody else, so nobody can have received it."""
    stage = make_stage(recipients_per_request=most, poll_horizon_s=60.0)
    job = two_mailings(phones(5), phones(5, start=50))
    campaign = stage.enqueue({**job, "canary": 2, "canary_wait_s": 1})
    stage.services.optouts.add(phones(1, start=50))
    settle(stage, campaign)
    assert (campaign.status().canary, campaign.status().canary_reason) == ("passed", "")


def test_it_is_not_judged_before_the_gateway_was_asked(stage: Stage) -> None:
    """Its polls may wait their turn behind many others of the account; nobody knows who received it until then."""
    campaign = stage.enqueue({**bulk_job(phones(10)), "canary": 3, "canary_wait_s": 1})
    end = time.monotonic() + 7
    while time.monotonic() < end:
        for queue in ("bulk", "control"):
            work(stage.services, queue)
        time.sleep(0.05)
    assert (campaign.status().canary, campaign.status().statuses) == ("under way", {})
    settle(stage, campaign)
    assert campaign.status().canary == "passed"


def test_asking_at_once_costs_no_place_in_the_line(stage: Stage) -> None:
    """What is due already is asked before what others make due later."""
    campaign = stage.enqueue(bulk_job(phones(1)))
    while not campaign.status().sent:
        work(stage.services, "bulk")
    due = stage.services.store.keys.due("poll", "default")
    poll = f"poll|{campaign.id}-0"
    stage.services.store.redis.zadd(due, {poll: 5})
    campaign.poll()
    assert stage.services.store.redis.zscore(due, poll) == 5
    stage.services.store.redis.zadd(due, {poll: 4e12})
    campaign.poll()
    assert abs(stage.services.store.redis.zscore(due, poll) - stage.services.now_ms()) < 10_000


NOTHING = Findings(recipients=100, arrived=0, failed=0, open=0, held=0)


@pytest.mark.parametrize(
    ("found", "now_ms", "word"),
    [
        (replace(NOTHING, open=1), 10**13, "waits"),
        (NOTHING, 600_999, "waits"),
        (NOTHING, 601_000, "failed"),
        (replace(NOTHING, arrived=1), 601_000, "passed"),
        (replace(NOTHING, arrived=80, failed=20), 601_000, "passed"),
        (replace(NOTHING, arrived=79, failed=21), 0, "failed"),
        (replace(NOTHING, recipients=10, failed=10, open=9), 0, "waits"),
        (replace(NOTHING, recipients=30, failed=21, open=7), 0, "failed"),
        (replace(NOTHING, arrived=99, held=1), 0, "failed"),
    ],
)
def test_what_follows_from_what_is_known(found: Findings, now_ms: int, word: str) -> None:
    verdict = judged(Canary(100, 600, 0.2), found, now_ms, 1_000, now_ms - 3_000)
    assert verdict.word == word
    assert bool(verdict.why) is (word == "failed")
    if now_ms == 601_000:
        assert judged(Canary(100, 600, 0.2), found, now_ms, 1_000, 0).word == "asks"
        assert judged(Canary(100, 600, 0.2), found, now_ms, 1_000, now_ms - 3_000, unpolled=True).word == "asks"
        assert judged(Canary(100, 600, 0.2), found, now_ms, 1_000, now_ms - 1).until_ms == now_ms + 2_999
    of_a = Part("A", 100 if found.open else found.recipients, found.arrived, found.failed)
    named = judged(Canary(100, 600, 0.2), found, now_ms, 1_000, now_ms - 3_000, [of_a])
    assert (named.word, named.until_ms) == (verdict.word, verdict.until_ms)
    assert named.cause.get("mailing") == ("A" if word == "failed" and not found.held else None)
    if word == "passed":
        for part, why in (
            (Part("B", 10, 9, 3), "3 of 10 recipients of B failed"),
            (Part("B", 10), "had received B 600"),
        ):
            verdict_of_parts = judged(Canary(100, 600, 0.2), found, now_ms, 1_000, now_ms - 3_000, [part])
            assert (verdict_of_parts.word, why in verdict_of_parts.why) == ("failed", True)
    assert verdict.until_ms == (601_000 if verdict == Verdict("waits", until_ms=601_000) else None)
