"""A row per mailing, as CSV. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.evaluation import MailingResults, Results
from campaigns.recipients.exclusions import Exclusion
from campaigns.reports.language import ENGLISH, Language
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


def mailing_lines(results: Results, *, excel: bool = False, language: Language = ENGLISH) -> Iterator[str]:
    """CSV with a header and a row per mailing, as safe in spreadsheets as `csv_lines`.

    With `excel` as in `excel_lines`: decimals with a comma, and times by the clocks of the zone in the header.
    """
    lines, zone = CsvLines(excel=excel), ZoneInfo(results.zone) if excel else UTC
    heads = {name: language.column(name) for name in MAILING_COLUMNS}
    if excel:
        heads["scheduled"] += f" ({zone})"
    yield lines.head(heads.values())
    for mailing in results.mailings:
        yield lines.line(_cells(mailing, lines, zone))


def _cells(mailing: MailingResults, lines: CsvLines, zone: tzinfo) -> Iterator[str | int]:
    yield mailing.name
    yield from (getattr(mailing.content, name) for name in _TEXTS)
    first = [datetime.fromtimestamp(at_ms / 1000, tz=zone) for at_ms in mailing.scheduled_ms[:1]]
    yield lines.time(first[0].isoformat(timespec="seconds")) if first else ""
    yield from (getattr(mailing, name) for name in _NUMBERS)
    yield from (mailing.excluded.get(reason, 0) for reason in Exclusion)
    yield lines.decimal(f"{mailing.read_share.value:.4f}") if mailing.delivered else ""
    if len(mailing.costs) == 1:
        ((currency, amount),) = mailing.costs.items()
        yield from (lines.decimal(_plain(amount)), currency)
        yield lines.decimal(_plain(amount / mailing.read)) if mailing.read else ""
    else:
        yield from (moneys(mailing.costs), "", moneys(mailing.costs_per_read))
    yield mailing.unpriced


def _plain(amount: Decimal) -> str:
    """An amount for programs: `0.049`, with at most six decimals."""
    return f"{round(amount, 6).normalize():f}"
