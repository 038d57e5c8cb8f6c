"""Windows on the command line: shown before it goes out, while it waits, and in the report."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaigns.campaign import Campaign
from campaigns.times.windows import WEEKDAYS
from tests.cli.conftest import Run
from tests.support.html import Html
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def test_from_dry_run_to_report(run: Run, stage: Stage, tmp_path: Path) -> None:
    in_three_days = WEEKDAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]
    job = {**bulk_job(phones(3)), "send_between": ["10:00", "11:00"], "send_on": [in_three_days], "send_zone": "UTC"}
    file = tmp_path / "job.json"
    file.write_text(json.dumps(job), "utf-8")
    words = f"goes out from 10:00 to 11:00 on {in_three_days} in UTC"
    assert words in run("send", file, "--dry-run").output
    sent = json.loads(run("send", file, "--json").output)
    assert sent["send_window"] == words.removeprefix("goes out from ")
    stage.step()
    opens = datetime.fromisoformat(json.loads(run("status", sent["id"], "--json").output)["window_opens_at"])
    assert (opens.hour, opens.minute, WEEKDAYS[opens.weekday()]) == (10, 0, in_three_days)
    reported = " ".join(run("status", sent["id"]).output.split())
    assert "ready, window closed" in reported
    assert f"{words}; closed, opens {opens + timedelta(hours=3):%Y-%m-%d} 13:00 Europe/Minsk" in reported
    assert "ready, window closed" in " ".join(run("list").output.split())
    assert f"it {words}" in run("explain", phones(1)[0]).output
    page = Html(run("report", sent["id"], "--output", "-").output)
    assert words.removeprefix("goes out from ") in page.text
    Campaign.of(stage.services, sent["id"]).cancel()


def test_mistakes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps({**bulk_job(phones(1)), "send_between": ["20:00", "09:00"]}), "utf-8")
    reported = run("send", file)
    assert (reported.exit_code, "send_between: must open before it closes" in reported.output) == (2, True)
