"""The figures of a report, as values. Pure.

The funnel and the classes come from the campaign's counters, which are read at once. Statuses, failures and the
timeline come from its single messages, which may change while they are read: `adrift` is the difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.campaign_status import Status
from campaigns.errors import flatten
from campaigns.evaluation import Results
from campaigns.ledger.states import (
    ACCEPTED,
    CANCELLED,
    HELD,
    PLANNED,
    REJECTED,
    SENDING,
    SETTLED,
    UNKNOWN,
    WRITTEN_OFF,
)
from campaigns.recipients.exclusions import Exclusion
from campaigns.reports.language import Said
from campaigns.reports.pending import Pending, pending
from campaigns.reports.tally import OpenBatch, Span, Tally
from campaigns.reports.timeline import Chart
from campaigns.reports.window_words import window_words
from campaigns.results import Reply
from campaigns.statuses import DELIVERED, READ
from campaigns.times.windows import Window

#: Every class of recipients with the words for it, in the order in which the page shows them.
CLASSES: Final[dict[str, str]] = {
    **{reason: f"excluded: {reason.label}" for reason in Exclusion},
    **{
        state: state.label
        for state in (SETTLED, ACCEPTED, PLANNED, SENDING, UNKNOWN, HELD, REJECTED, CANCELLED, WRITTEN_OFF)
    },
}
_MOST_MISTAKES: Final = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: messages, or `people` who replied."""

    name: str
    number: int
    about: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Messages refused for one reason, a `Reason` if a check of ours refused them.

    `requests` is None for mailings of requests that were accepted otherwise.
    """

    words: str
    requests: int | None
    messages: int


@dataclass(frozen=True, slots=True)
class Price:
    """What it cost. `unpriced` mailings of `mailings` have no price yet; `expected` is the setting's, per message."""

    total: Decimal | None
    currency: str
    per_message: Decimal | None
    mailings: int
    unpriced: int
    expected: Decimal | None
    limit: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows. Times are unix milliseconds, shown in `zone`."""

    status: Status
    results: Results
    made_ms: int
    zone: ZoneInfo
    window: Said | None
    funnel: tuple[Step, ...]
    chart: Chart | None
    words: tuple[tuple[str, Span], ...]
    unreported: int  # messages sent that have no status yet
    adrift: int
    failures: tuple[tuple[str, int, int], ...]  # status, error code, messages
    refusals: tuple[Refusal, ...]
    pending: tuple[Pending, ...]
    held: tuple[OpenBatch, ...]
    held_batches: int
    price: Price
    excluded: tuple[tuple[str, int], ...]
    classes: tuple[tuple[str, int], ...]  # words for a class, recipients
    replies: tuple[Reply, ...]
    mistakes: tuple[str, ...]
    more_mistakes: int


def figures(
    status: Status,
    tally: Tally,
    *,
    made_ms: int,
    zone: ZoneInfo,
    results: Results,
    replies: tuple[Reply, ...],
    expected: Decimal | None,
    limit: str,
    window: Window | None = None,
) -> Report:
    """A report. `replies` are the newest, `limit` is the job's `max_cost`, `window` its window."""
    words = sorted(tally.words.items(), key=lambda pair: -pair[1].number)
    reported = sum(span.number for _, span in words)
    mistakes = flatten(status.errors)
    said_window = None if window is None else window_words(window)
    return Report(
        status=status,
        results=results,
        made_ms=made_ms,
        zone=zone,
        funnel=_funnel(status, results.replied),
        chart=tally.timeline.chart(zone),
        words=tuple(words),
        unreported=max(status.sent - reported, 0),
        adrift=abs(reported - sum(status.statuses.values())),
        failures=tuple((word, code, number) for (word, code), number in tally.failures.most_common()),
        refusals=_refusals(tally),
        window=said_window,
        pending=pending(status, tally, said_window),
        held=tuple(tally.held),
        held_batches=tally.open_batches[HELD],
        price=_price(status, tally, expected, limit),
        excluded=_excluded(status.recipients, results.opted_out_late),
        classes=tuple((words, status.recipients.get(name, 0)) for name, words in CLASSES.items()),
        replies=replies,
        mistakes=tuple(mistakes[:_MOST_MISTAKES]),
        more_mistakes=max(len(mistakes) - _MOST_MISTAKES, 0),
    )


def _funnel(status: Status, people: int) -> tuple[Step, ...]:
    excluded = sum(status.recipients.get(reason, 0) for reason in Exclusion)
    read = status.statuses.get(READ, 0)
    delivered = read + status.statuses.get(DELIVERED, 0)
    return (
        Step("Planned", status.total - excluded, "handed in, without the excluded"),
        Step("Sent", status.sent, "the gateway has accepted them"),
        Step("Delivered", delivered, "on the phone, read or not"),
        Step("Read", read, "opened"),
        Step("Replied", people, "people who answered"),
    )


def _refusals(tally: Tally) -> tuple[Refusal, ...]:
    messages: Counter[str] = tally.refused_messages
    whole = [Refusal(words, tally.refused_requests[words], number) for words, number in messages.most_common()]
    return (*whole, *(Refusal(words, None, number) for words, number in tally.refused_mailings.most_common()))


def _price(status: Status, tally: Tally, expected: Decimal | None, limit: str) -> Price:
    return Price(
        total=status.cost,
        currency=status.currency,
        per_message=status.cost / status.sent if status.cost is not None and status.sent else None,
        mailings=tally.mailings,
        unpriced=tally.mailings - tally.priced,
        expected=expected,
        limit=limit,
    )


def _excluded(recipients: dict[str, int], late: int) -> tuple[tuple[str, int], ...]:
    early = recipients.get(Exclusion.OPTED_OUT, 0) - late
    rows = [(reason.label, recipients.get(reason, 0)) for reason in Exclusion if reason != Exclusion.OPTED_OUT]
    rows += [("opted out before planning", early), ("opted out after planning, before it went out", late)]
    return tuple((words, number) for words, number in rows if number)
