"""The work of workers and beat, carried out in the thread that asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from campaigns.campaign import Campaign, list_campaigns
from campaigns.campaign_status import Status
from campaigns.flow.scheduling.work import work_through
from campaigns.ledger.states import OVER
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.submission import take_in
from campaigns.testing.clock import MovedClock
from campaigns.testing.submissions import Submissions
from campaigns.times.gateway_times import parse_when
from campaigns.wiring import build_services, open_store

_PAUSE_S = 0.01
_MOST_CAMPAIGNS = 10_000
_SHOWN = 5


class Here:
    """What runs while `running` lasts.

    `sandbox` is the gateway: messages that were sent, faults, replies. `services` are those of the code under test.
    Exceptions in the work of a worker are raised by the method that carries it out.
    """

    def __init__(self, settings: Settings, sandbox: Sandbox, clock: MovedClock) -> None:
        self.sandbox = sandbox
        self._clock = clock
        services = build_services(settings, store=open_store(settings, now_ms=clock), ring=self._ring)
        self.services: Services = replace(services, sleep=self._sleep)
        self._submissions = Submissions(settings)
        self._working = Lock()

    def campaigns(self) -> list[Campaign]:
        """Every campaign there is, oldest first."""
        return [Campaign.of(self.services, status.id) for status in reversed(self._statuses())]

    def work(self) -> None:
        """Do everything that is due now, as workers would. Returns at once if another thread is doing it."""
        if not self._working.acquire(blocking=False):
            return
        try:
            for sent in self._submissions.take():
                take_in(self.services, sent)
            work_through(self.services)
        finally:
            self._working.release()

    def run_until(self, goal: Campaign | Callable[[], object], *, timeout_s: float = 20.0) -> None:
        """Work until a campaign is over, or until `goal()` is true.

        Raises TimeoutError, which names the state of the campaigns, after `timeout_s` seconds.
        """
        if isinstance(goal, Campaign):
            self.finish(goal, timeout_s=timeout_s)
            return
        until = time.monotonic() + timeout_s
        while True:
            self.work()
            if goal():
                return
            if time.monotonic() >= until:
                raise TimeoutError(f"not reached in {timeout_s:g} seconds; {self._whereabouts()}")
            time.sleep(_PAUSE_S)

    def finish(self, *campaigns: Campaign, timeout_s: float = 20.0) -> None:
        """Work until these campaigns are over; without any named, until all that there are.

        A campaign is over when every message has its final status, or is held, refused or cancelled.
        Raises TimeoutError, which names the state of the campaigns.
        """

        def over() -> bool:
            statuses = [campaign.status() for campaign in campaigns] if campaigns else self._statuses()
            return all(status.state in OVER for status in statuses)

        self.run_until(over, timeout_s=timeout_s)

    @property
    def now(self) -> datetime:
        """The time of the workers' and the sandbox's clock, in UTC."""
        return datetime.fromtimestamp(self._clock() / 1000, tz=UTC)

    def move(self, by: timedelta) -> None:
        """Set the clock of workers and sandbox forward. What becomes due by it waits for `work` or `finish`.

        Raises ValueError for a step back.
        """
        self._clock.move(round(by.total_seconds() * 1000))

    def move_to(self, when: datetime | str) -> None:
        """Set it to a point in time; one without a zone is in the gateway's zone, as in a job's schedule.

        Raises ValueError for one that has passed.
        """
        self._clock.move(parse_when(when, self.services.settings.gateway_timezone) - self._clock())

    def close(self) -> None:
        """Close the connections."""
        self._submissions.close()
        self.services.store.redis.close()

    def _ring(self, queue: str) -> bool:  # noqa: ARG002 (the thread that works finds what is due)
        return True

    def _sleep(self, seconds: float) -> None:
        """Run the worker instead of sleeping, for `campaign.wait()` in the code under test."""
        self.work()
        time.sleep(min(seconds, _PAUSE_S))

    def _statuses(self) -> list[Status]:
        return list_campaigns(self.services, _MOST_CAMPAIGNS)

    def _whereabouts(self) -> str:
        waiting = [status for status in self._statuses() if status.state not in OVER]
        lines = [
            f"{status.id} is {status.state}: "
            + ", ".join(f"{number} {word}" for word, number in status.recipients.items() if number)
            for status in waiting[:_SHOWN]
        ]
        more = [f"and {len(waiting) - _SHOWN} more"] if len(waiting) > _SHOWN else []
        return "; ".join(lines + more) or "no campaign is under way"
