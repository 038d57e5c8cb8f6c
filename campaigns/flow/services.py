"""What the flow works with. Built once per process by `campaigns.wiring`; tests build their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from campaigns.gateway import Gateway
from campaigns.gateway.limiter import Limiter
from campaigns.ledger import Batches, Campaigns, Due, Plans, RejectedMessages
from campaigns.results import Deliveries, Events, Oddities, OptOuts, People, Replies
from campaigns.settings import Settings
from campaigns.store import Store


class WakesUp(Protocol):
    """Sends wake-ups. They may be lost: due times find them again."""

    def __call__(self, task: str, args: Sequence[str], queue: str) -> bool:
        """Whether the message went out, as far as can be told."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The real things, passed in."""

    settings: Settings
    store: Store
    plans: Plans
    batches: Batches
    campaigns: Campaigns
    rejected: RejectedMessages
    due: Due
    limiter: Limiter
    deliveries: Deliveries
    oddities: Oddities
    replies: Replies
    optouts: OptOuts
    people: People
    events: Events
    gateway: Callable[[str], Gateway]
    wake: WakesUp
    boot_s: Callable[[], float]
    sleep: Callable[[float], None]
    random: Random

    def now_ms(self) -> int:
        """The time by which the ledger goes, unix milliseconds."""
        return self.store.now_ms()
