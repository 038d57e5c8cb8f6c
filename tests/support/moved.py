"""A stage whose clock can be set forward."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.campaign import Campaign
from campaigns.store.client import Store
from campaigns.wiring import build_services
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


class Moved(Stage):
    """Works with the sandbox and the settings of another stage."""

    def __init__(self, stage: Stage) -> None:
        self.sandbox, self.bells, self.moved_ms = stage.sandbox, stage.bells, 0
        store = Store(stage.services.store.redis, stage.services.store.keys, now_ms=self.now_ms)
        self.services = build_services(stage.services.settings, store=store, ring=self._ring)
        self.began = datetime.fromtimestamp(self.now_ms() // 1000, tz=UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.moved_ms

    def at(self, seconds: float) -> str:
        """So many seconds after the beginning, to the second."""
        return (self.began + timedelta(seconds=seconds)).isoformat()

    def minute(self, seconds: float) -> datetime:
        """The first full minute from then on."""
        return (self.began + timedelta(seconds=seconds + 59)).replace(second=0)

    def go_to(self, seconds: float) -> None:
        """Step once at so many seconds after the beginning."""
        self.set_to(self.began + timedelta(seconds=seconds))
        self.step()

    def set_to(self, moment: datetime) -> None:
        """Set the clock forward, and do nothing.

        Never back: what was planned while this second passed would not be due again yet.
        """
        ahead_ms = round(moment.timestamp() * 1000) - self.now_ms()
        assert ahead_ms > -60_000, f"the clock stands {-ahead_ms / 1000} s after {moment}"
        self.moved_ms += max(0, ahead_ms)

    def scheduled(self, *, at_s: float, number: int = 3, **more: Any) -> Campaign:
        job = bulk_job(phones(number), **more)
        job["messages"][0]["schedule_time"] = self.at(at_s)
        return self.enqueue(job)

    def starts(self) -> list[str]:
        """When each message at the gateway begins."""
        return [datetime.fromtimestamp(r["starts_at_ms"] / 1000, tz=UTC).isoformat() for r in self.sandbox.ledger()]
