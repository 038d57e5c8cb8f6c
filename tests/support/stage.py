"""A stage: everything real but Celery, whose wake-ups are carried out one after the other in this thread."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from campaigns import names
from campaigns.flow.dispatch import dispatch
from campaigns.flow.poll import poll_batch
from campaigns.flow.reconcile import reconcile_batch
from campaigns.flow.replies import fetch_replies
from campaigns.flow.send import send_while_due
from campaigns.flow.services import Services
from campaigns.flow.sweep import sweep
from campaigns.handle import Campaign
from campaigns.ledger.states import OVER
from campaigns.producer import enqueue
from campaigns.results import Event
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.support.events import check_event


class Stage:
    """Enqueue on it, run it, ask the sandbox for the truth."""

    def __init__(self, settings: Settings, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.wake_ups: list[tuple[str, list[str]]] = []
        self.services: Services = build_services(settings, wake=self._wake)

    def _wake(self, task: str, args: Sequence[str], queue: str) -> bool:
        self.wake_ups.append((task, list(args)))
        return True

    def enqueue(self, job: Any, **options: Any) -> Campaign:
        return enqueue(job, services=self.services, **options)

    def step(self) -> None:
        """Dispatch once, and carry out every wake-up."""
        dispatch(self.services)
        while self.wake_ups:
            task, args = self.wake_ups.pop(0)
            self.carry_out(task, args[0])

    def carry_out(self, task: str, batch_id: str) -> None:
        tasks: dict[str, Callable[[], object]] = {
            names.SEND_BATCH: lambda: send_while_due(self.services, batch_id, time.monotonic),
            names.POLL_BATCH: lambda: poll_batch(self.services, batch_id),
            names.FETCH_REPLIES: lambda: fetch_replies(self.services, batch_id),
            names.RECONCILE_BATCH: lambda: reconcile_batch(self.services, batch_id),
        }
        tasks[task]()

    def until(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Step until the condition holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, "the condition was not met in time"
            self.step()
            time.sleep(0.02)

    def finish(self, *campaigns: Campaign, timeout_s: float = 20.0) -> None:
        """Step until all campaigns are over, then check what must hold of every campaign."""
        self.until(lambda: all(c.status().state in OVER for c in campaigns), timeout_s)
        for campaign in campaigns:
            self.check(campaign)

    def check(self, campaign: Campaign) -> None:
        """The account balances, events have no gap and fit their schemas, nobody got a message twice."""
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
        return sweep(self.services)
