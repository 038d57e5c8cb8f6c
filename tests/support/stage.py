"""A stage: everything real but Celery, whose wake-ups are carried out one after the other in this thread."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.events import Event
from campaigns.flow.scheduling.stream_room import keep_room
from campaigns.flow.scheduling.sweep import SWEEP_ENTRY, sweep
from campaigns.flow.scheduling.work import work_through
from campaigns.ledger import Claim, ToCheck
from campaigns.ledger.states import OVER
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.support.claims import claim, send
from tests.support.events import check_event


class Stage:
    """Enqueue on it, run it, ask the sandbox for the truth."""

    def __init__(self, settings: Settings, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.bells: list[str] = []
        self.services: Services = build_services(settings, ring=self._ring)

    def _ring(self, queue: str) -> bool:
        self.bells.append(queue)
        return True

    def enqueue(self, job: Any, **options: Any) -> Campaign:
        return enqueue(self.services, job, **options)

    def step(self) -> None:
        """Tick once, and do what is due, except sweeping: what it mends must not hide what is wrong without it."""
        self.services.due.put_control(SWEEP_ENTRY, self.services.now_ms() + 30 * 86_400_000)
        work_through(self.services)

    def claim(self, batch_id: str) -> Claim | ToCheck | None:
        """Claim a batch that is first in its queue, as a worker's turn does; None if it cannot be claimed."""
        return claim(self.services, batch_id)

    def send(self, batch_id: str) -> bool:
        """Send one batch that is first in its queue. Whether there was anything to send."""
        return send(self.services, batch_id)

    def until(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Step until the condition holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, "the condition was not met in time"
            self.step()
            time.sleep(0.02)

    def step_for(self, seconds: float) -> None:
        """Step for a while, in which whatever would go out a second time does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()
            time.sleep(0.02)

    def finish(self, *campaigns: Campaign, timeout_s: float = 20.0) -> None:
        """Step until all campaigns are over, then check what must hold of every campaign."""
        self.until(lambda: all(c.status().state in OVER for c in campaigns), timeout_s)
        for campaign in campaigns:
            self.check(campaign)

    def check(self, campaign: Campaign) -> None:
        """The recipients add up, events have no gap and fit their schemas, no message went out twice."""
        status = campaign.status()
        assert status.balanced
        assert status.total == sum(status.recipients.values())
        events = self.events(campaign)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        for event in events:
            check_event(event)
        got = Counter((row["phone"], row["text"], row["mailing"]) for row in self.sandbox.ledger())
        assert max(got.values(), default=1) == 1

    def events(self, campaign: Campaign) -> list[Event]:
        return list(self.services.events.since(source=campaign.id))

    def event_types(self, campaign: Campaign) -> list[str]:
        return [event.type for event in self.events(campaign)]

    def sweep(self) -> int:
        """Sweep, and make room in the event stream."""
        keep_room(self.services)
        return sweep(self.services)
