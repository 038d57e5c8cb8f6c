"""Canaries with real processes, which are killed around each judgement."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from campaigns.enqueue import enqueue
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.flow.scheduling.test_canary import DEAD
from tests.scenarios.conftest import Crash
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


@pytest.mark.parametrize("point", ["before judging", "after judging"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_worker_that_dies_over_it(rig: Stage, crash: Crash, point: str, fails: bool) -> None:
    recipients = [*(DEAD[:5] if fails else phones(5)), *phones(20, start=100)]
    campaign = rig.enqueue({**bulk_job(recipients), "canary": 5, "canary_wait_s": 1})
    known = len(rig.sandbox.ledger())
    rig.until(lambda: campaign.status().canary_until is not None or campaign.status().canary != "under way")
    for _ in range(3):
        # The first judgement may be that the gateway is asked once more.
        if campaign.status().canary == "under way":
            time.sleep(1.1)
            crash(point, "judge", f"{campaign.id}-0")
            rig.step()
    rig.sweep()
    rig.until(lambda: campaign.status().canary != "under way")
    if fails:
        rig.sweep()
        rig.step()
        assert (campaign.status().state, len(rig.sandbox.ledger()) - known) == ("paused", 5)
        campaign.resume()
    rig.finish(campaign, timeout_s=30)
    assert Counter(row["phone"] for row in rig.sandbox.ledger()[known:]) == Counter(recipients)
    judgements = [kind for kind in rig.event_types(campaign) if kind.startswith("campaign.canary_")]
    assert judgements == ["campaign.canary_failed" if fails else "campaign.canary_passed"]


def test_real_workers_with_one_killed(processes: Processes, sandbox: Sandbox) -> None:
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    services = build_services(Settings.from_env(names))
    good, bad = (
        enqueue(services, {**bulk_job([*to, *phones(300, start=start)]), "canary": 20, "canary_wait_s": 5})
        for to, start in ((phones(20, start=5000), 1000), (DEAD[:20], 2000))
    )
    killed, _, _ = processes.worker(), processes.worker(), processes.beat()
    until = time.monotonic() + 60
    while good.status().sent < 20 or bad.status().sent < 20:
        assert time.monotonic() < until
        time.sleep(0.05)
    killed.kill9()
    while good.status().state != "finished" or bad.status().state != "paused":
        assert time.monotonic() < until + 60, (good.status(), bad.status())
        time.sleep(0.1)
    assert (good.status().canary, bad.status().canary) == ("passed", "failed")
    sent = Counter(row["phone"] for row in sandbox.ledger())
    assert sent == Counter([*phones(20, start=5000), *phones(300, start=1000), *DEAD[:20]])
