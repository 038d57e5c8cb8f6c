"""What is printed fits the terminal, and says what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType

from campaigns.campaign_status import Status
from campaigns.cli.output.campaign_list import CampaignsTable
from campaigns.cli.output.progress import Progress, view
from campaigns.cli.output.status_table import status_table
from campaigns.statuses import DEFAULT_FINAL

WIDTHS = [60, 80, 200]
ID = "1m8rdwm64vqba8rzr"


def a_status(**more: Any) -> Status:
    fields: dict[str, Any] = {
        "id": ID,
        "name": "Everything must go: the spring sale of the shop [in Minsk], for all who bought last year",
        "kind": "bulk",
        "account": "default",
        "state": "cancelling",
        "total": 1_000_000,
        "recipients": {"settled": 990_000, "rejected": 4_000, "held": 3_000, "opted_out": 3_000},
        "sent": 990_000,
        "final": 990_000,
        "awaiting": 0,
        "statuses": {"READ": 900_000, "DELIVERED": 90_000},
        "double_sends": 1,
        "replies": 123_456,
        "batches": 1000,
        "cost": Decimal("19800.00"),
        "currency": "BYN",
        "costs": {"BYN": Decimal("19800.00")},
        "balanced": False,
        "created_at": datetime(2026, 5, 4, 3, 2, tzinfo=UTC),
        "ended_at": None,
        "account_paused_until": datetime(2026, 5, 4, 5, 2, tzinfo=UTC),
        "account_pause_reason": "refused: Insufficient funds",
        "errors": {},
    }
    return Status(**{**fields, **more})


def rendered(what: RenderableType, width: int, **more: Any) -> str:
    console = Console(file=StringIO(), width=width, highlight=False, **more)
    console.print(what)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line.rstrip()) <= width for line in text.splitlines()) or more
    return text


@pytest.mark.parametrize("width", WIDTHS)
def test_status_fits(width: int) -> None:
    text = rendered(status_table(a_status()), width)
    lines = [line.strip() for line in text.splitlines()]
    for number in ("1,000,000", "990,000", "4,000", "123,456", "19,800.00"):
        assert any(line.startswith(f"{number} ") for line in lines), number
    assert f"{ID}, bulk, account default" in lines
    # Whole, to be copied.
    assert "campaigns resume-account default" in lines
    assert f"campaigns resolve {ID} --help" in lines
    assert f"campaigns deliveries {ID} --state rejected" in lines
    assert "[in Minsk]" in text
    assert "…" not in text


def test_a_correlation_id_is_shown_if_there_is_one() -> None:
    assert "correlation id" not in rendered(status_table(a_status()), 80)
    assert "correlation id order 7/a\n" in rendered(status_table(a_status(correlation_id="order 7/a")), 80)


@pytest.mark.parametrize("width", WIDTHS)
def test_list_fits(width: int) -> None:
    text = rendered(CampaignsTable([a_status(), a_status(name="")]), width)
    assert text.count(ID) == 2
    assert text.count("990,000") == 4
    assert text.count("1,000,000") == 2
    assert "cancelling" in text
    assert "…" not in text
    if width == 200:
        assert len(text.splitlines()) == 3


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_followed_fits(width: int) -> None:
    status = a_status(recipients={"planned": 500_000, "settled": 500_000}, sent=500_000, state="ready")
    text = rendered(view(status, Progress.of(status, DEFAULT_FINAL), 1234.5), width)
    lines = [line.strip() for line in text.splitlines()]
    assert "500,000 of 1,000,000 sent, 1,234 a second, 6 min 45 s left" in lines
    assert "990,000 delivered, 900,000 read, 0 failed, 19,800.00 BYN" in lines
    assert any(line.startswith("sent ") and line.endswith("50 %") for line in lines)


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" not in rendered(status_table(a_status()), 80)
    coloured = rendered(status_table(a_status()), 80, force_terminal=True, _environ={"TERM": "xterm-256color"})
    assert "\x1b[31m" in coloured
    plain = rendered(
        status_table(a_status()), 80, force_terminal=True, _environ={"TERM": "xterm-256color", "NO_COLOR": "1"}
    )
    assert "\x1b[31m" not in plain


def test_a_job_of_which_nothing_is_known() -> None:
    lines = rendered(status_table(a_status(state="invalid", kind="", account="", topic="")), 80).splitlines()
    assert ID in [line.rstrip() for line in lines]
