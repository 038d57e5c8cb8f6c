"""A group of consumers that stands still for a day while campaigns go on: nothing that it has not read is lost."""

from __future__ import annotations

import time

import pytest

from campaigns.events import Consumer, single_changes
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.support.jobs import bulk_job, phones
from tests.support.settings import fast_settings
from tests.support.stage import Stage

_HOUR_MS = 3_600_000


class Day:
    """A stage whose store's clock moves on by hours, with one group that reads and one that sleeps."""

    def __init__(self, settings: Settings, sandbox: Sandbox, prefix: str, **more: float) -> None:
        self.moved_ms = 0
        days = fast_settings(settings.redis_url, sandbox.url, prefix, poll_horizon_s=90_000.0, **more)
        self.stage = Stage(days, sandbox)
        self.store = Store(connect(days), Keys(prefix), now_ms=lambda: time.time_ns() // 1_000_000 + self.moved_ms)
        self.stage.services = build_services(days, store=self.store, ring=self.stage._ring)
        self.awake = Consumer(self.store, "awake")
        self.asleep = Consumer(self.store, "asleep")
        self.awake.create_group()
        self.asleep.create_group()
        self.read: list[str] = []

    def hour(self) -> None:
        self.moved_ms += _HOUR_MS
        self.stage.step()
        self.stage.sweep()
        self.read += [event.id for event in self.awake.events(idle_s=0.02)]


@pytest.fixture
def day(settings: Settings, sandbox: Sandbox, prefix: str) -> Day:
    return Day(settings, sandbox, prefix, events_life_s=3600.0)


def test_a_day_under_load(day: Day) -> None:
    """The stream keeps 25 hours for it, though an hour is its life; once it has read all, it is trimmed."""
    campaigns = []
    for hour in range(25):
        campaigns.append(day.stage.enqueue(bulk_job(phones(4, start=10 * hour))))
        day.hour()
    while not all(campaign.status().state == "finished" for campaign in campaigns):
        day.hour()
    whole = [single.id for event in day.stage.services.events.since() for single in single_changes(event)]
    slept = [event.id for event in day.asleep.events(idle_s=0.05)]
    assert slept == whole == day.read
    day.moved_ms += 2 * _HOUR_MS
    day.stage.sweep()
    assert len(day.stage.services.events) <= 1
