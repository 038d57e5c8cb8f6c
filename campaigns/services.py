"""The parts that the flow and the public API use. `campaigns.wiring` builds them once per process; tests, their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from campaigns.accounts.budgets import Budgets
from campaigns.accounts.limiter import Limiter
from campaigns.events import Events
from campaigns.gateway import Gateway
from campaigns.jobs.alike import RecentJobs
from campaigns.ledger import (
    Acceptances,
    Batches,
    Campaigns,
    Counts,
    Due,
    OptOuts,
    Plans,
    RejectedMessages,
    Suppressed,
    Turns,
)
from campaigns.people import People
from campaigns.results import Deliveries, Oddities, Replies
from campaigns.settings import Milliseconds, Settings
from campaigns.store.client import Store


class Rings(Protocol):
    """Rings bells. A bell may be lost; beat rings again while due work waits."""

    def __call__(self, queue: str) -> bool:
        """Ring for a worker of `queue`. Returns whether the broker took the message, as far as is known."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Store, ledger, limiter, gateway, clock and randomness, as one argument."""

    settings: Settings
    store: Store
    recent_jobs: RecentJobs
    plans: Plans
    batches: Batches
    acceptances: Acceptances
    campaigns: Campaigns
    rejected: RejectedMessages
    due: Due
    turns: Turns
    limiter: Limiter
    budgets: Budgets
    deliveries: Deliveries
    oddities: Oddities
    replies: Replies
    optouts: OptOuts
    counts: Counts
    suppressed: Suppressed
    people: People
    events: Events
    gateway: Callable[[str], Gateway]
    ring: Rings
    boot_s: Callable[[], float]
    sleep: Callable[[float], None]
    random: Random

    @property
    def ms(self) -> Milliseconds:
        """The settings that are lengths of time, in milliseconds."""
        return Milliseconds(self.settings)

    def now_ms(self) -> int:
        """The ledger's time, in unix milliseconds."""
        return self.store.now_ms()

    def about_now_ms(self) -> int:
        """The same to within a second, usually without a round trip; see `Store.about_now_ms`."""
        return self.store.about_now_ms()
