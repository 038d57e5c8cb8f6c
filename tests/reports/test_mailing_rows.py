"""A row per mailing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from campaigns.evaluation import Content, MailingResults, Results
from campaigns.reports import mailing_lines

RESULTS = Results(
    campaign="1a",
    name="Spring",
    made_at=datetime(2026, 12, 1, tzinfo=UTC),
    zone="Europe/Minsk",
    mailings=(
        MailingResults(
            number=0,
            name="A",
            content=Content("text", "bulk", "12.05", "", "", ""),
            scheduled_ms=(1_796_092_200_000,),
            sent=3,
            delivered=3,
            read=2,
            costs={"EUR": Decimal("9.8")},
        ),
    ),
    comparisons=(),
    follows_reads=True,
    read_hours=(0,) * 24,
    replied=0,
    opted_out=0,
    excluded_elsewhere={},
    opted_out_late=0,
)


@pytest.mark.parametrize(
    ("excel", "scheduled", "time", "cost", "each", "share"),
    [
        (False, "scheduled", "2026-12-01T02:30:00+00:00", "9.8", "4.9", "0.6667"),
        (True, "scheduled (Europe/Minsk)", "2026-12-01 05:30:00", "9,8", "4,9", "0,6667"),
    ],
)
def test_numbers_and_times(excel: bool, scheduled: str, time: str, cost: str, each: str, share: str) -> None:
    """For programs with a point and an offset; for Excel as it reads them where the separator is a semicolon."""
    lines = [line.removeprefix("\ufeff").strip() for line in mailing_lines(RESULTS, excel=excel)]
    names, cells = (line.split(";" if excel else ",") for line in lines)
    found = dict(zip(names, cells, strict=True))
    assert found[scheduled] == time
    assert (found["cost"], found["cost_per_read"], found["read_share"]) == (cost, each, share)
    assert (found["text"], found["sent"]) == ("12.05", "3")
