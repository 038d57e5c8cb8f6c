"""Retention: every key of a campaign's life expires or is removed, whatever became of the campaign."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from campaigns.campaign import Campaign
from campaigns.errors import KeyConflictError
from campaigns.ledger.states import OVER
from campaigns.person import erase
from campaigns.store.commands import Redis
from campaigns.submission import submit
from tests.support.jobs import bulk_job, list_job, phones, quick_job, sample_job
from tests.support.plans import open_plan
from tests.support.stage import Stage

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
#: What stays: one hash per account (its sequence numbers events), the opt-outs, two streams, which are trimmed, what is
#: due of sweeping, the counters of metrics, whose fields are few, and the version of all this.
KEPT = {
    *("account:default", "optouts", "optouts-counter", "optouts-why", "events", "audit", "due:control", "primary"),
    *("layout", "clock", "metrics", "metrics:", "metrics:default"),
}
#: What stands here empties as it comes due.
WAITING = {
    f"{kind}:{queue}{account}"
    for kind, account in (("due", ":default"), ("accounts", ""))
    for queue in ("replies", "poll")
}


def keys_without_end(stage: Stage) -> set[str]:
    """Keys under the stage's prefix that would stay for ever."""
    redis, prefix = stage.services.store.redis, stage.services.store.keys.prefix
    names = [raw.decode() for raw in redis.scan_iter(match=prefix + "*")]
    return {name.removeprefix(prefix) for name in names if redis.pttl(name) == -1}


@pytest.fixture
def short_lived(make_stage: Callable[..., Stage]) -> Stage:
    """A stage on which what is over is gone within a second or two."""
    return make_stage(
        retention_s=0.8,
        key_retention_s=0.8,
        reply_window_s=0.5,
        events_life_s=0.001,
        poll_horizon_s=2.0,
        planning_lease_s=0.1,
    )


def lives(stage: Stage, folder: Path) -> list[Campaign]:
    """Campaigns of every kind and fate."""
    image = folder / "sale.png"
    image.write_bytes(PNG)
    quick = {"kind": "quick", "vibername_id": 7, "type_message": "IMAGE", "image": image}
    stage.services.optouts.add(phones(1, start=500), why="asked")
    stage.sandbox.fault("refuse", "sendBulkViber")
    campaigns = [
        stage.enqueue(bulk_job(phones(2, start=600), text="refused")),
        stage.enqueue(bulk_job([*phones(3), "nobody", *phones(1), *phones(1, start=500), "375297779908"]), key="k"),
        stage.enqueue({**quick, "delivery_list": ["375297779909", *phones(2)]}),
        stage.enqueue(list_job(2)),
        stage.enqueue(sample_job(schedule=None)),
        stage.enqueue(bulk_job(["nobody"]), key="all excluded"),
    ]
    cancelled = stage.enqueue(quick_job(*phones(3)), key="cancelled")
    cancelled.cancel()
    invalid = submit(stage.services, {"kind": "bulk"}, key=None, strict=False, message_id="m1")
    return [*campaigns, cancelled, Campaign.of(stage.services, invalid)]


def test_nothing_stays(short_lived: Stage, tmp_path: Path) -> None:
    stage = short_lived
    abandoned = open_plan(stage.services.store, stage.services.plans, "abandoned")
    abandoned.exclude("invalid", [("delivery_list[0]", "x")])
    campaigns = lives(stage, tmp_path)
    stage.until(lambda: all(c.status().state in OVER for c in campaigns))
    stage.services.optouts.add(phones(1, start=700))
    assert keys_without_end(stage) - KEPT
    store = stage.services.store

    def retired() -> bool:
        stage.sweep()
        return not store.ask(Redis.scard, store.keys.active())

    stage.until(retired)
    assert keys_without_end(stage) <= KEPT | {"campaigns"} | WAITING
    longest = max(store.redis.pttl(name) for name in store.redis.scan_iter(match=store.keys.prefix + "*"))
    assert longest <= 604_800_000 + 2000
    time.sleep(0.85)
    # An account leaves the set of those that can act at the time that stands there.
    gone = KEPT | {name for name in WAITING if name.startswith("accounts:")}
    stage.until(lambda: stage.sweep() == 0 and keys_without_end(stage) <= gone)
    assert len(stage.services.events) == 0
    assert list(stage.services.campaigns.newest()) == []
    assert set(stage.services.optouts) == {*phones(1, start=500), *phones(1, start=700), "375297779908"}


def test_what_comes_after_the_end_expires_too(stage: Stage) -> None:
    """A reply that is stored late, and an erased person, leave nothing behind either."""
    campaign = stage.enqueue(bulk_job(["375297779909", *phones(1)]))
    stage.finish(campaign)
    record = stage.services.campaigns.read(campaign.id)
    stage.services.campaigns.retire(record, 60_000)
    stage.until(lambda: bool(campaign.replies()))
    assert 0 < stage.services.store.ask(Redis.pttl, stage.services.store.keys.replies(campaign.id)) <= 60_000
    erase(stage.services, phones(1)[0])
    stage.services.store.ask(Redis.delete, stage.services.store.keys.due("replies", "default"))
    assert keys_without_end(stage) <= KEPT | WAITING | {"campaigns"}


def test_a_key_outlives_its_campaign(make_stage: Callable[..., Stage]) -> None:
    """Long after everything of a campaign has expired, its key still sends nothing again."""
    stage = make_stage(key_retention_s=1000.0)
    campaign = stage.enqueue(bulk_job(phones(1)), key="once")
    stage.finish(campaign)
    stage.services.campaigns.retire(stage.services.campaigns.read(campaign.id), 60_000)
    stage.services.store.ask(Redis.delete, stage.services.store.keys.campaign(campaign.id))
    assert stage.enqueue(bulk_job(phones(1)), key="once").id == campaign.id
    with pytest.raises(KeyConflictError):
        stage.enqueue(bulk_job(phones(2)), key="once")
    ttl_ms = stage.services.store.ask(Redis.pttl, stage.services.store.keys.job_key("once"))
    assert 60_000 < ttl_ms <= 1_000_000


def test_reopened_after_it_was_retired(stage: Stage) -> None:
    """A person who decides late gets a campaign that lives until it is over again."""
    stage.sandbox.fault("refuse", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.finish(campaign)
    stage.services.campaigns.retire(stage.services.campaigns.read(campaign.id), 60_000)
    store = stage.services.store
    assert store.ask(Redis.pttl, store.keys.batch(f"{campaign.id}-0")) > 0
    campaign.retry(by="me", why="put right")
    stage.sweep()
    assert store.ask(Redis.pttl, store.keys.batch(f"{campaign.id}-0")) == -1
    assert store.ask(Redis.pttl, store.keys.campaign(campaign.id)) == -1
    stage.finish(campaign)
    assert len(stage.sandbox.ledger()) == 2


def test_reopened_while_it_is_retired(stage: Stage) -> None:
    """Sweeping goes on checking it."""
    stage.sandbox.fault("refuse", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.finish(campaign)
    over = stage.services.campaigns.read(campaign.id)
    campaign.retry(by="me", why="put right")
    stage.services.campaigns.retire(over, 60_000)
    assert stage.services.campaigns.active() == [campaign.id]
    stage.sweep()
    assert stage.services.store.ask(Redis.pttl, stage.services.store.keys.campaign(campaign.id)) == -1
    stage.finish(campaign)


class TestWaiting:
    """A recipient who may still be messaged stays known, however long a person takes."""

    def wait(self, stage: Stage, campaign: Campaign) -> None:
        """Longer than a body lives, while workers sweep."""
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            stage.sweep()
            time.sleep(0.1)

    @pytest.fixture
    def stage(self, make_stage: Callable[..., Stage]) -> Stage:
        return make_stage(body_retention_s=1.0, poll_horizon_s=2.0, settle_window_s=0.1, recipients_per_request=2)

    def test_paused(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(4)))
        campaign.pause("a person")
        self.wait(stage, campaign)
        campaign.resume("a person")
        stage.finish(campaign)
        assert campaign.status().sent == 4

    def test_held(self, stage: Stage) -> None:
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.until(lambda: stage.sweep() >= 0 and campaign.status().recipients.get("held") == 2)
        self.wait(stage, campaign)
        stage.sandbox.clear_faults()
        campaign.resolve("resend", by="a person", why="asked the gateway")
        stage.finish(campaign)
        assert campaign.status().sent == 2

    def test_without_workers_it_goes(self, stage: Stage) -> None:
        """A campaign whose workers come a week late says so, and sends nothing."""
        campaign = stage.enqueue(bulk_job(phones(2)))
        time.sleep(1.2)
        stage.finish(campaign)
        status = campaign.status()
        assert (status.sent, status.recipients["rejected"]) == (0, 2)
        assert "expired" in str(status.reasons)
