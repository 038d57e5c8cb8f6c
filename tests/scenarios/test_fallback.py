"""Fallback with real processes that are killed: everybody who was not delivered is announced, and nobody twice."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.events import Events, single_changes
from campaigns.ledger import FALLBACK, Entry
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.scenarios.conftest import Crash
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

#: Their messages stay NEW.
SILENT = [f"37529{n}9912" for n in range(100, 140)]


def announced(events: Events, campaign: Campaign) -> Counter[str]:
    found = (event for event in events.since(source=campaign.id) if event.type == "deliveries.fallback_due")
    return Counter(single.data["phone"] for event in found for single in single_changes(event))


@pytest.mark.parametrize("point", ["before announcing", "after announcing"])
def test_killed_while_announcing(rig: Stage, crash: Crash, point: str) -> None:
    campaign = rig.enqueue(bulk_job([*SILENT[:3], *phones(5)], fallback_after_s=60))
    rig.until(lambda: campaign.status().statuses.get("READ") == 5)
    batch_id = f"{campaign.id}-0"
    crash(point, "fallback", batch_id)
    rig.sweep()
    rig.services.due.put(Entry(FALLBACK, batch_id), rig.services.batches.read(batch_id), rig.services.now_ms())
    rig.until(lambda: rig.services.batches.read(batch_id).fallback_done)
    rig.step()
    assert announced(rig.services.events, campaign) == Counter(dict.fromkeys(SILENT[:3], 1))


@pytest.mark.long
def test_real_workers_with_one_killed(processes: Processes) -> None:
    processes.env |= {"CAMPAIGNS_RECIPIENTS_PER_REQUEST": "10"}
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    services = build_services(Settings.from_env(names))
    bulk = enqueue(services, bulk_job([*SILENT[:20], *phones(80)], fallback_after_s=3))
    quick = enqueue(services, quick_job(*SILENT[20:], *phones(5), message="hello", fallback_after_s=3))
    killed, _, _ = processes.worker(), processes.worker(), processes.beat()
    until = time.monotonic() + 60
    while not announced(services.events, bulk):
        assert time.monotonic() < until, bulk.status()
        time.sleep(0.02)
    killed.kill9()
    expected = {bulk: Counter(SILENT[:20]), quick: Counter(SILENT[20:])}
    while not all(announced(services.events, campaign) >= due for campaign, due in expected.items()):
        assert time.monotonic() < until + 45
        time.sleep(0.1)
    time.sleep(0.5)
    for campaign, due in expected.items():
        found = announced(services.events, campaign)
        assert set(found.values()) == {1}
        assert found >= due
