"""The page on paper and on a phone: headings stay with their tables, long tables fold."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.accounts.pauses import BUDGET_USED_UP
from campaigns.evaluation import Content, Failure, MailingResults, Results
from campaigns.evaluation.chance import compared
from campaigns.reports import page
from campaigns.reports.figures import Report, figures
from campaigns.reports.tally import OpenBatch, Tally
from campaigns.results import Reply
from campaigns.statuses import DEFAULT_FINAL
from tests.cli.output.test_status_table import ID, a_status
from tests.support.browser import Browser
from tests.support.html import Html

START_MS = 1_777_864_000_000
HEADINGS = [
    "At a glance", "By mailing", "What was sent", "Funnel", "When people read", "Failures by reason",
    "Sent, and not delivered", "Refused, and certainly not sent", "Cost", "Open, unknown or held",
    "Requests that are held", "Not to be written to again", "Excluded, not messaged", "Deliveries over time",
    "By status", "Every recipient", "Replies",
]  # fmt: skip


def results(mailings: int = 1) -> Results:
    """Of mailings that were sent to a third of a million people each."""
    content = Content("button", "bulk", "Everything must go", "https://example.com/sale.jpg", "To the shop", "")
    each = {
        "content": content, "recipients": 333_334, "sent": 333_334, "delivered": 300_000, "failed": 30_000,
        "failures": (Failure("FAILED", 7, 30_000),), "replied": 1000, "opted_out": 1000,
        "costs": {"BYN": Decimal("16333.366")},
    }  # fmt: skip
    found = tuple(MailingResults(number=n, name=f"Text {n}", read=100_000 - 700 * n, **each) for n in range(mailings))
    return Results(
        campaign=ID, name="Spring", made_at=datetime(2026, 5, 4, tzinfo=UTC), zone="Europe/Minsk", mailings=found,
        comparisons=compared([one.read_share for one in found]), follows_reads=True,
        read_hours=(0,) * 12 + (300_000,) + (0,) * 11, replied=1000, opted_out=1000, excluded_elsewhere={},
        opted_out_late=3,
    )  # fmt: skip


def report(rows: int, mailings: int = 1, **more: Any) -> Report:
    """Tables of so many rows, in a campaign of which there is something in every section."""
    tally = Tally(DEFAULT_FINAL)
    for number in range(rows):
        at_ms = START_MS + 60_000 * number
        tally.add_deliveries([b"FAILED|%d|%d|%d" % (at_ms, number, number + 1), b"READ|%d|%d|" % (at_ms, number)])
        tally.held.append(OpenBatch(f"{ID}-{number}", 1000, at_ms, "bytes left and no answer came (read timeout)"))
        tally.refused_requests[f"reason {number}"] = 1
        tally.refused_messages[f"reason {number}"] = 1000
    tally.open_batches["held"] = rows
    replies = (
        Reply(str(n), "375291234567", "Дякую, а є доставка? " * (1 + n % 4), START_MS + n, f"{ID}-0", "")
        for n in range(rows)
    )
    return figures(
        a_status(statuses={"READ": rows, "FAILED": rows}, scheduled_at=(datetime(2030, 1, 1, tzinfo=UTC),), **more),
        tally,
        made_ms=START_MS,
        zone=ZoneInfo("Europe/Minsk"),
        results=results(mailings),
        replies=tuple(replies),
        expected=None,
        limit="",
    )


@pytest.mark.parametrize("rows", [3, 12, 20])
def test_every_table_stands_in_one_part_with_its_heading(rows: int) -> None:
    text = page(report(rows))
    assert Html(text).loads() == []
    parts = re.findall(r'<div class="part">(.*?)</div>(?=<div class="part">|</section>)', text, re.DOTALL)
    assert [re.findall(r"<h[23]>(.*?)</h[23]>", part) for part in parts] == [
        ["At a glance"], ["By mailing"], ["What was sent"], ["Funnel"], ["When people read"],
        ["Failures by reason", "Sent, and not delivered"], ["Refused, and certainly not sent"], ["Cost"],
        ["Open, unknown or held"], ["Requests that are held"], ["Not to be written to again"],
        ["Excluded, not messaged"], ["Deliveries over time"], ["By status"], ["Every recipient"], ["Replies"],
    ]  # fmt: skip
    assert sum(part.count("<table") for part in parts) == text.count("<table")
    long = [part for part in parts if "long" in part]
    folded = [part for part in parts if f'<label><input type="checkbox"> show all {rows}</label>' in part]
    assert (len(long), len(folded)) == (4 if rows > 15 else 0, 4 if rows > 5 else 0)


def test_a_used_up_budget_and_a_higher_price() -> None:
    """The account continues by itself: the page names no command that would exceed the budget."""
    html = Html(page(report(3, cost_drifted=True, account_pause_reason=f"{BUDGET_USED_UP} of 5 EUR")))
    assert "A message cost more on average than expected." in html.sections["Cost"]
    assert "higher CAMPAIGNS_DAILY_BUDGET" in html.sections["Open, unknown or held"]
    assert "resume-account" not in html.text


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 660, 800, 940, 1120])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_nothing_is_wider_than_the_window(browser: Browser, tmp_path: Path, width: int, language: str) -> None:
    """Not even inside its part, where one would have to scroll sideways."""
    (tmp_path / "report.html").write_text(page(report(3, mailings=3), language), "utf-8")
    browser.open((tmp_path / "report.html").as_uri(), width=width)
    assert browser.value("document.documentElement.scrollWidth <= innerWidth")
    wide = "[...document.querySelectorAll('.part')].filter((part) => part.scrollWidth > part.clientWidth)"
    assert browser.value(f"{wide}.map((part) => part.textContent.slice(0, 40))") == []


@pytest.mark.browser
def test_the_first_window_answers_the_eight_questions(browser: Browser, tmp_path: Path) -> None:
    """Without scrolling twice, where one thing is wrong, and in letters as wide as DejaVu's."""
    one = report(3, mailings=3, double_sends=0, balanced=True, account_paused_until=None)
    (tmp_path / "report.html").write_text(page(one, "ru"), "utf-8")
    bottom = "document.querySelector('#glance').getBoundingClientRect().bottom"
    for width, most in ((1120, 1200), (390, 2 * 844)):
        browser.open((tmp_path / "report.html").as_uri(), width=width)
        assert browser.value("document.querySelectorAll('#glance a').length") == 8
        assert browser.value(bottom) < most


@pytest.fixture
def url(tmp_path: Path) -> str:
    (tmp_path / "report.html").write_text(page(report(20)), "utf-8")
    return (tmp_path / "report.html").as_uri()


@pytest.mark.browser
def test_long_tables_fold_on_a_phone_alone(browser: Browser, url: str) -> None:
    shown = "[...document.querySelectorAll('tbody tr')].filter((row) => row.checkVisibility()).length"
    browser.open(url)
    every = browser.value(shown)
    assert not browser.value("document.querySelector('.fold label').checkVisibility()")
    browser.open(url, width=390)
    assert browser.value("document.documentElement.scrollWidth <= innerWidth")
    assert browser.value(shown) == every - 4 * 15
    height = "document.documentElement.scrollHeight"
    folded = browser.value(height)
    for label in range(4):
        browser.value(f"document.querySelectorAll('.fold label')[{label}].click()")
    assert browser.value(shown) == every
    assert folded < 0.7 * browser.value(height)


@pytest.mark.browser
def test_no_heading_ends_a_page_of_paper(browser: Browser, url: str, tmp_path: Path) -> None:
    browser.open(url)
    printed = base64.b64decode(browser.command("Page.printToPDF", preferCSSPageSize=True)["data"])
    (tmp_path / "report.pdf").write_bytes(printed)
    command = ["pdftotext", "-layout", str(tmp_path / "report.pdf"), "-"]
    text = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    pages = [[line.strip() for line in sheet.splitlines() if line.strip()] for sheet in text.split("\f")]
    lines = [line for sheet in pages for line in sheet]
    assert set(HEADINGS) <= set(lines)
    assert sum(line == "show all 20" for line in lines) == 0
    assert len(pages) > 3
    assert not [sheet[-1] for sheet in pages if sheet and sheet[-1] in HEADINGS]
    tops = {sheet[0] for sheet in pages[1:] if sheet}
    assert all(
        any(top.startswith(word) for word in (*HEADINGS, "Status ", "Why ", "Request ", "Received ")) for top in tops
    ), tops
