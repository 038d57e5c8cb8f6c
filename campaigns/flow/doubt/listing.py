"""Reading the gateway's listing of mailings, some pages at a time.

A listing may be long, in either order, and in pages smaller than asked for. So a check reads a bounded number of
pages, and the next goes on from there; new mailings only move others to later pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from campaigns.answers.values import MailingData
from campaigns.gateway import Gateway
from campaigns.services import Services
from campaigns.times.gateway_times import from_gateway

_ROWS_PER_PAGE: Final = 100
#: Pages that one check reads; the next goes on behind them.
PAGES: Final = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A mailing of the listing; `created_ms` is None where its time cannot be read."""

    data: MailingData
    created_ms: int | None

    @property
    def message_id(self) -> int:
        return self.data.message_id

    def since(self, since_ms: int) -> bool:
        """Whether it may have been created since then."""
        return self.created_ms is None or self.created_ms >= since_ms


@dataclass(frozen=True, slots=True)
class Portion:
    """What one turn read of the listing: its mailings, where the next goes on, whether that is the end."""

    mailings: list[Listed]
    offset: int
    ended: bool
    unreadable: int = 0  # rows that could not be read


def read_listing(services: Services, gateway: Gateway, since_ms: int, offset: int = 0) -> Portion:
    """Read up to `PAGES` pages from `offset` on, until everything since `since_ms` was seen. Raises GatewayError."""
    zone = services.settings.gateway_timezone
    mailings: list[Listed] = []
    unreadable = 0
    for _ in range(PAGES):
        page = gateway.get_viber_messages(offset=offset, rows=_ROWS_PER_PAGE)
        odd = getattr(page, "unreadable", 0)
        if not page and not odd:
            return Portion(mailings, offset, ended=True, unreadable=unreadable)
        mailings += [Listed(data, from_gateway(data.created_at, zone)) for data in page]
        offset, unreadable = offset + len(page) + odd, unreadable + odd
        if _newest_first(mailings) and not mailings[-1].since(since_ms):
            return Portion(mailings, offset, ended=True, unreadable=unreadable)
    return Portion(mailings, offset, ended=False, unreadable=unreadable)


def _newest_first(mailings: list[Listed]) -> bool:
    """Whether all times can be read and fall. A single time does not show an order."""
    times = [mailing.created_ms for mailing in mailings]
    falling = all(a is not None and b is not None and a >= b for a, b in pairwise(times))
    return falling and len(times) > 1 and times[0] != times[-1] and None not in times
