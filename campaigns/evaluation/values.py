"""The results of a campaign by mailing, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from campaigns.evaluation.chance import Comparison, Share
from campaigns.evaluation.contents import Content
from campaigns.ledger import OptOut
from campaigns.statuses import meaning_of


@dataclass(frozen=True, slots=True)
class Failure:
    """Messages that ended without being delivered: how many, with which status and error code (0: none)."""

    status: str
    error_code: int
    messages: int

    @property
    def meaning(self) -> str:
        """What the status means, for people."""
        return meaning_of(self.status)


@dataclass(frozen=True, slots=True)
class OptedOut:
    """A person who opted out by a reply to a campaign: the phone, the name of the mailing, and what the list notes."""

    phone: str = field(repr=False)
    mailing: str
    reply_id: str
    optout: OptOut


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingResults:
    """What became of one mailing of a campaign.

    `recipients` = `sent` + `waiting` + `in_doubt` + `refused` + `cancelled`, in messages, without the `excluded`, which
    are counted by reason. `in_doubt`: whether the request arrived is unknown, held, or was written off.

    `sent` = `delivered` + `failed` + `never_known` + `awaiting`. `delivered` includes `read`. `awaiting` has no outcome
    yet, and `never_known` got none before the end of polling. `statuses` counts messages by the gateway's status.

    `replied` counts people, each once. `opted_out` counts people whom a reply to this mailing put on the suppression
    list and who are still there.

    `costs` is what the gateway has reported so far, by currency; `unpriced` counts requests without a price so far.
    `scheduled_ms` are the first and the last time (unix ms) for which it is scheduled, or none.
    """

    number: int
    name: str
    content: Content
    scheduled_ms: tuple[int, ...] = ()
    recipients: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    waiting: int = 0
    in_doubt: int = 0
    refused: int = 0
    cancelled: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    never_known: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    replied: int = 0
    opted_out: int = 0
    costs: Mapping[str, Decimal] = field(default_factory=dict)
    unpriced: int = 0

    @property
    def awaiting(self) -> int:
        """Messages that were sent and have no outcome yet."""
        return max(self.sent - self.delivered - self.failed - self.never_known, 0)

    @property
    def open(self) -> int:
        """Messages whose outcome may still come: waiting, in doubt, or sent without an outcome."""
        return self.waiting + self.in_doubt + self.awaiting

    @property
    def read_share(self) -> Share:
        """Read messages of those that were delivered."""
        return Share(self.read, self.delivered)

    @property
    def costs_per_read(self) -> dict[str, Decimal]:
        """What one read message cost, by currency; empty while nothing is read."""
        return {currency: amount / self.read for currency, amount in self.costs.items()} if self.read else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The results of a campaign, computed from its messages at `made_at`.

    `comparisons` compare the mailing that was most surely read most with each other one. They are empty if fewer than
    two mailings were delivered, or if the campaign does not follow messages until they are read (`follows_reads`).

    `read_hours` are 24 counts of read messages by the hour of the day, in `zone`. `replied` and `opted_out` count
    people over all mailings, each once. `opted_out_late` are recipients who opted out after planning.
    `excluded_elsewhere` counts excluded recipients, by reason, of whom the store does not say which mailing they were
    in: those whom an earlier version of this package excluded after planning.
    `optout_scopes` says what the `opted_out` opted out of: `all` (everything), `account`, `topic`, or several of these.
    """

    campaign: str
    name: str
    made_at: datetime
    zone: str
    mailings: tuple[MailingResults, ...]
    comparisons: tuple[Comparison, ...]
    follows_reads: bool
    read_hours: tuple[int, ...]
    replied: int
    opted_out: int
    excluded_elsewhere: Mapping[str, int]
    opted_out_late: int
    optout_scopes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values for JSON: times as ISO 8601, amounts of money as text."""
        plain = asdict(self)
        plain["made_at"] = self.made_at.isoformat()
        plain["mailings"] = [_plain(mailing) for mailing in self.mailings]
        plain["comparisons"] = [{**asdict(one), "beyond_chance": one.beyond_chance} for one in self.comparisons]
        return plain


def _plain(mailing: MailingResults) -> dict[str, Any]:
    return {
        **asdict(mailing),
        "failures": [{**asdict(failure), "meaning": failure.meaning} for failure in mailing.failures],
        "awaiting": mailing.awaiting,
        "costs": _texts(mailing.costs),
        "costs_per_read": _texts(mailing.costs_per_read),
    }


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in amounts.items()}
