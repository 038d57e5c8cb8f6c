"""A row per mailing, as CSV. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from campaigns.evaluation import MailingResults, Results
from campaigns.recipients.exclusions import Exclusion
from campaigns.reports.rows import CsvLines
from campaigns.text.wording import moneys

_TEXTS: Final = ("type", "message_type", "text", "image", "button", "link")
_NUMBERS: Final = (
    *("recipients", "sent", "delivered", "read", "replied", "opted_out", "failed", "never_known"),
    *("awaiting", "waiting", "in_doubt", "refused", "cancelled"),
)
_EXCLUDED: Final = tuple(f"excluded_{reason}" for reason in Exclusion)
MAILING_COLUMNS: Final = (
    *("mailing", *_TEXTS, "scheduled"),
    *(*_NUMBERS, *_EXCLUDED),
    *("read_share", "cost", "currency", "cost_per_read", "unpriced"),
)


def mailing_lines(results: Results, *, excel: bool = False) -> Iterator[str]:
    """CSV with a header and a row per mailing, as safe in spreadsheets as `csv_lines`; `excel` as in `excel_lines`."""
    lines = CsvLines(excel=excel)
    yield lines.head(MAILING_COLUMNS)
    for mailing in results.mailings:
        yield lines.line(_cells(mailing))


def _cells(mailing: MailingResults) -> Iterator[str | int]:
    yield mailing.name
    yield from (getattr(mailing.content, name) for name in _TEXTS)
    yield datetime.fromtimestamp(mailing.scheduled_ms[0] / 1000, tz=UTC).isoformat() if mailing.scheduled_ms else ""
    yield from (getattr(mailing, name) for name in _NUMBERS)
    yield from (mailing.excluded.get(reason, 0) for reason in Exclusion)
    yield f"{mailing.read_share.value:.4f}" if mailing.delivered else ""
    if len(mailing.costs) == 1:
        ((currency, amount),) = mailing.costs.items()
        yield from (_plain(amount), currency, _plain(amount / mailing.read) if mailing.read else "")
    else:
        yield from (moneys(mailing.costs), "", moneys(mailing.costs_per_read))
    yield mailing.unpriced


def _plain(amount: Decimal) -> str:
    """An amount for programs: `0.049`, with at most six decimals."""
    return f"{round(amount, 6).normalize():f}"
