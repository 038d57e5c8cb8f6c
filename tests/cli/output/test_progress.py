"""Throughput, time left and words, without a terminal; and a campaign followed with one and without."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from campaigns.cli.output.live import followed
from campaigns.cli.output.obstacles import why_not_over
from campaigns.cli.output.progress import (
    Progress,
    Throughput,
    duration,
    fate_words,
    left_s,
    line,
    portion,
    sending_words,
)
from campaigns.errors import WaitTimeoutError
from campaigns.wiring import default_services_are
from tests.cli.conftest import Run
from tests.cli.output.test_status_table import a_status
from tests.cli.test_cli import job_file
from tests.flow.scheduling.test_canary import DEAD
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


def progress(**more: Any) -> Progress:
    fields = {"waiting": 0, "sent": 0, "final": 0, "delivered": 0, "read": 0, "failed": 0, "costs": {}}
    return Progress(state="ready", **{**fields, **more})


def test_pace_goes_by_the_last_ten_seconds() -> None:
    pace = Throughput()
    assert pace.per_s is None
    pace.note(0, 0)
    pace.note(0.25, 500)
    assert pace.per_s is None
    pace.note(1, 500)
    assert pace.per_s == 500
    for second in range(2, 31):
        pace.note(second, 500 + 10 * second)
    assert pace.per_s == 10


def test_pace_is_never_negative() -> None:
    pace = Throughput()
    pace.note(0, 100)
    pace.note(5, 40)
    assert pace.per_s == 0


def test_time_left() -> None:
    assert left_s(100, 10) == 10
    assert left_s(0, 10) is None
    assert left_s(100, 0) is None
    assert left_s(100, None) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.1, "1 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (97_200, "1 d 3 h"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


COSTS = {"BYN": Decimal("12.50"), "EUR": Decimal(3)}


def test_words() -> None:
    sending = progress(waiting=9000, sent=1000, delivered=900, read=20, failed=3, costs=COSTS)
    assert sending_words(sending, 450.4) == "1,000 of 10,000 sent, 450 a second, 20 s left"
    assert sending_words(sending, 0) == "1,000 of 10,000 sent"
    assert fate_words(sending) == "900 delivered, 20 read, 3 failed, 12.50 BYN, 3.00 EUR"
    assert portion(sending) == ("sent", 1000, 10_000)
    sent = progress(sent=10_000, final=9_000)
    assert sending_words(sent, 450) == "10,000 sent, 1,000 without a final status"
    assert portion(sent) == ("final", 9000, 10_000)
    assert line(progress(sent=1, final=1), 1) == "ready: 1 sent; 0 delivered, 0 read, 0 failed"


@contextmanager
def working(stage: Stage) -> Iterator[None]:
    """Somebody carries out the stage's work meanwhile."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.02):
            stage.step()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_lines_only_when_something_changed(run: Run, stage: Stage, tmp_path: Path) -> None:
    job = job_file(tmp_path, bulk_job(phones(3), name="Spring"))
    with working(stage):
        ended = run("send", job, "--wait", 20)
    assert ended.exit_code == 0, ended.output
    lines = [row for row in ended.stdout.splitlines() if re.match(r"\d\d:\d\d:\d\d  ", row)]
    assert 1 <= len(lines) == len({row[10:] for row in lines}) <= 6
    # What it came to is said by the summary alone.
    assert ended.stdout.count("finished") == 1
    assert "\x1b" not in ended.stdout
    assert ended.stdout.count("recipients handed in") == 1
    campaign_id = ended.stdout.split()[1]
    assert len(run("status", campaign_id, "--watch", "--json").stdout.splitlines()) == 1


def test_drawn_on_a_terminal(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(3), name="Spring"))
    console = Console(file=StringIO(), force_terminal=True, width=60, height=24, color_system=None)
    with default_services_are(stage.services), working(stage):
        assert followed(campaign, 20, console).state == "finished"
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert "100 %" in drawn
    assert "3 delivered, 3 read, 0 failed" in drawn


def test_time_runs_out(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(3)))
    console = Console(file=StringIO(), width=60)
    with default_services_are(stage.services), pytest.raises(WaitTimeoutError):
        followed(campaign, 0, console)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_wait_ends_at_once_where_only_a_person_can_go_on(
    run: Run, stage: Stage, tmp_path: Path, as_json: bool
) -> None:
    job = {**bulk_job([*DEAD[:2], *phones(2)]), "canary": 2, "canary_wait_s": 1}
    with working(stage):
        ended = run("send", job_file(tmp_path, job), "--wait", 500, *(["--json"] if as_json else []))
    reason = "is not over, nor can it be within 500 seconds: it is paused"
    assert (ended.exit_code, ended.stderr.count(reason)) == (1, 1)
    if as_json:
        assert json.loads(ended.stdout)["canary"] == "failed"
    else:
        assert "campaigns cancel" in ended.stdout


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"state": "ready"}, None),
        ({"state": "ready", "window_opens_at": NOON}, None),
        ({"state": "ready", "window_opens_at": LATER}, "it goes out from 2030-05-01 12:01 UTC on"),
        ({"state": "ready", "scheduled_at": (NOON,)}, None),
        ({"state": "ready", "scheduled_at": (NOON, LATER)}, "it is scheduled for 2030-05-01 12:01 UTC"),
        ({"state": "paused"}, "it is paused"),
        ({"state": "paused", "requests": {"planned": 0, "accepted": 1}}, None),
        ({"state": "ready", "account_paused_until": LATER}, None),
        (
            {
                "state": "ready",
                "account_paused_until": LATER,
                "account_pause_reason": "the daily budget of 1 has no room",
            },
            "the daily budget of its account has no room",
        ),
        (
            {
                "kind": "quick",
                "account_paused_until": LATER,
                "account_pause_reason": "the daily budget of 1 has no room",
            },
            None,
        ),
    ],
)
def test_why_a_campaign_cannot_be_over_in_time(more: dict[str, Any], why: str | None) -> None:
    """A pause of the account that a worker may end is none of the reasons."""
    known = {"account_paused_until": None, "account_pause_reason": "", "requests": {"planned": 1}}
    assert why_not_over(a_status(**{**known, **more}), NOON, UTC) == why


class Interrupting(StringIO):
    """A person who presses Ctrl-C as soon as something is shown."""

    def write(self, text: str) -> int:
        raise KeyboardInterrupt


def test_who_stops_watching_is_told_that_it_goes_on(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = stage.enqueue(bulk_job(phones(3)))
    with default_services_are(stage.services), pytest.raises(KeyboardInterrupt):
        followed(campaign, 20, Console(file=Interrupting(), width=60))
    assert "continues without this command" in capsys.readouterr().err


def test_what_is_waited_for_as_json(run: Run, stage: Stage, tmp_path: Path) -> None:
    with working(stage):
        ended = run("send", job_file(tmp_path, bulk_job(phones(2))), "--wait", 20, "--json")
    assert json.loads(ended.stdout)["state"] == "finished"
