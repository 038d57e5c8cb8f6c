"""Stages whose clock goes through the days of a week, as windows of sending need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.campaign import Campaign
from tests.support.moved import Moved
from tests.support.stage import Stage

#: Fields of a job that goes out in the hours of an office.
OFFICE = {"send_between": ["09:00", "20:00"], "send_zone": "UTC"}


class Days(Moved):
    """Begins on a Monday to come, at night."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        today = self.began.replace(hour=0, minute=0, second=0)
        self.monday = today + timedelta(days=14 - today.weekday())
        self.set_to(self.monday)

    def day(self, days: int, clock: str) -> datetime:
        """That time (UTC) so many days after the Monday."""
        return self.monday + timedelta(days=days, hours=int(clock[:2]), minutes=int(clock[3:]))

    def go(self, days: int, clock: str) -> int:
        """Step at that time. Returns how many messages are at the gateway."""
        self.set_to(self.day(days, clock))
        for _ in range(3):
            self.step()
        return len(self.sandbox.ledger())

    def by_minute(self, clock: str, minutes: int) -> list[int]:
        """How many messages are at the gateway after each of so many minutes from that time of the first day on. Each
        minute takes two seconds more, since what went out a little late delays what follows by as much."""
        found = []
        for minute in range(minutes):
            self.set_to(self.day(0, clock) + timedelta(minutes=minute, seconds=2 * minute))
            for _ in range(3):
                self.step()
            found.append(len(self.sandbox.ledger()))
        return found

    def closings(self, campaign: Campaign) -> list[tuple[str, str]]:
        """What events say of closed windows: the zone, and when it opens."""
        closings = [event.data for event in self.events(campaign) if event.type == "campaign.window_closed"]
        return [(row["zone"], f"{datetime.fromtimestamp(row['opens_ms'] / 1000, tz=UTC):%a %H:%M}") for row in closings]


def days(make_stage: Callable[..., Stage], **more: Any) -> Days:
    """One batch a recipient, schedules ten minutes ahead, and events that live longer than any of these campaigns."""
    fields = {"recipients_per_request": 1, "schedule_lead_s": 600, "events_life_s": 9_000_000.0}
    return Days(make_stage(**{**fields, **more}))
