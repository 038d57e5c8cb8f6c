"""The books of a day: whether everything that was handed in is settled, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from campaigns.ledger import Campaign
from campaigns.ledger.states import FINISHED, SETTLED
from campaigns.services import Services
from campaigns.store.client import decoded
from campaigns.store.commands import Redis, command

_PER_ROUND_TRIP = 1000
_SHOWN = 3


@dataclass
class Books:
    """Sums over campaigns. `wrong` says of some what is not as it should be; `unsettled` counts them all."""

    campaigns: int = 0
    recipients: int = 0
    excluded: int = 0
    settled: int = 0
    replies: int = 0
    unsettled: int = 0
    wrong: list[str] = field(default_factory=list)

    def enter(self, campaign: Campaign) -> None:
        settled = campaign.recipients[SETTLED]
        excluded = sum(campaign.recipients[name] for name in ("invalid", "duplicate", "opted_out"))
        self.campaigns += 1
        self.recipients += campaign.total
        self.excluded += excluded
        self.settled += settled
        self.replies += campaign.number("replies")
        whole = campaign.total == settled + excluded and campaign.number("final") == settled
        if campaign.state != FINISHED or not campaign.balanced or not whole:
            self.unsettled += 1
            if len(self.wrong) < _SHOWN:
                self.wrong.append(f"{campaign.id} is {campaign.state}: {campaign.recipients}")


def enter_all(books: Books, services: Services, since_ms: int, until_ms: int) -> None:
    """Enter the campaigns that were made between two moments (unix ms)."""
    for campaign in _made(services, since_ms, until_ms):
        books.enter(campaign)


def _made(services: Services, since_ms: int, until_ms: int) -> Iterator[Campaign]:
    store, keys = services.store, services.store.keys
    ids = [raw.decode() for raw in store.ask(Redis.zrangebyscore, keys.index(), since_ms, f"({until_ms}")]
    for start in range(0, len(ids), _PER_ROUND_TRIP):
        portion = ids[start : start + _PER_ROUND_TRIP]
        hashes = store.ask_many([command(Redis.hgetall, keys.campaign(campaign_id)) for campaign_id in portion])
        for campaign_id, fields in zip(portion, hashes, strict=True):
            yield Campaign.read(campaign_id, decoded(fields))
