"""The store's clock is set forward and back in mid campaign: late at worst, never twice."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

_HOUR_MS = 3_600_000


class Clock:
    """The wall clock, and by how much it is wrong."""

    def __init__(self) -> None:
        self.wrong_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.wrong_ms


@pytest.mark.parametrize("fault", [None, "reset_after", "reset_before", "error_500_after"])
@pytest.mark.parametrize("steps_ms", [(_HOUR_MS,), (-_HOUR_MS, 0), (_HOUR_MS, 0, _HOUR_MS), (-60_000, 60_000)])
def test_steps(settings: Settings, sandbox: Sandbox, prefix: str, steps_ms: tuple[int, ...], fault: str | None) -> None:
    clock, stage = Clock(), Stage(settings, sandbox)
    store = Store(connect(settings), Keys(prefix), now_ms=clock)
    stage.services = build_services(settings, store=store, ring=stage._ring)
    stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
    if fault is not None:
        sandbox.fault(fault, "sendBulkViber", times=2)
    campaigns = [stage.enqueue(bulk_job(phones(3, start=10 * n), on_unknown="resend")) for n in range(4)]
    for step_ms in steps_ms:
        stage.step()
        clock.wrong_ms = step_ms
        for _ in range(5):
            stage.step()
            stage.sweep()
            time.sleep(0.05)
    # What became due by the wrong clock is due by the right one at the latest when that has come so far.
    clock.wrong_ms = max(*steps_ms, 0) + _HOUR_MS
    stage.finish(*campaigns)
    sent = Counter(row["phone"] for row in sandbox.ledger() if row["text"] == "hello")
    for number, campaign in enumerate(campaigns):
        recipients = campaign.status().recipients
        assert recipients["settled"] + recipients["held"] == 3
        for phone in phones(3, start=10 * number):
            assert sent[phone] == 1 or (recipients["held"] == 3 and sent[phone] == 0)
