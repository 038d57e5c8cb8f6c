"""A fallback that is due long after its campaign is over: it is announced, and leaves nothing behind."""

from __future__ import annotations

import pytest

from campaigns.campaign import Campaign
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.commands import Redis
from tests.support.budgets import maker, move
from tests.support.jobs import bulk_job
from tests.support.reads import announce_batch
from tests.support.stage import Stage

#: Is refused at once.
DEAD = "375297779911"
LIFE_MS, HOUR_MS = 600_000, 3_600_000


@pytest.fixture
def scene(settings: Settings, sandbox: Sandbox, prefix: str) -> Stage:
    """Sweeping of a campaign ends a minute after it is over."""
    return maker(settings, sandbox, prefix)(None, reply_window_s=60.0, retention_s=LIFE_MS / 1000)


def left_ms(stage: Stage, name: str) -> int:
    """How long a key lives; -1 if for ever, -2 if there is none."""
    return int(stage.services.store.ask(Redis.pttl, name))


def over(stage: Stage) -> Campaign:
    """A campaign that has been over for two minutes, and whose fallback is due in almost an hour."""
    campaign = stage.enqueue({**bulk_job([DEAD]), "fallback_after_s": 3600})
    stage.until(lambda: campaign.status().state == "finished")
    move(stage, 120_000)
    stage.sweep()
    return campaign


def announced(stage: Stage, campaign: Campaign) -> bool:
    return "deliveries.fallback_due" in stage.event_types(campaign)


def test_its_campaign_is_kept_until_then(scene: Stage) -> None:
    campaign = over(scene)
    keys = scene.services.store.keys
    names = [keys.campaign(campaign.id), keys.batch(f"{campaign.id}-0"), keys.fallback(f"{campaign.id}-0", 0)]
    assert [left_ms(scene, name) for name in names] == [-1, -1, -2]
    move(scene, HOUR_MS)
    scene.until(lambda: announced(scene, campaign))
    scene.sweep()
    assert all(0 < left_ms(scene, name) <= LIFE_MS for name in names)


def test_a_campaign_does_not_wait_for_ever(scene: Stage) -> None:
    """For an account without a token, say. What is announced in the end expires with the batch."""
    campaign = over(scene)
    keys, batch_id = scene.services.store.keys, f"{campaign.id}-0"
    move(scene, HOUR_MS)
    scene.sweep()
    assert 0 < left_ms(scene, keys.batch(batch_id)) <= LIFE_MS
    announce_batch(scene.services, batch_id)
    assert announced(scene, campaign)
    assert 0 < left_ms(scene, keys.fallback(batch_id, 0)) <= LIFE_MS


def test_nothing_is_made_for_what_is_gone(scene: Stage) -> None:
    """A campaign expires a moment before its batches."""
    campaign = over(scene)
    keys, batch_id = scene.services.store.keys, f"{campaign.id}-0"
    scene.services.store.ask(Redis.delete, keys.campaign(campaign.id))
    announce_batch(scene.services, batch_id)
    assert (left_ms(scene, keys.campaign(campaign.id)), left_ms(scene, keys.fallback(batch_id, 0))) == (-2, -2)
