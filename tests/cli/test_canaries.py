"""Canaries on the command line: shown while results are awaited, and when one has failed."""

from __future__ import annotations

import json
import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.cli.output.obstacles import canary_words
from tests.cli.conftest import Run
from tests.cli.output.test_status_table import a_status
from tests.flow.scheduling.test_canary import DEAD
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def test_from_send_to_resume(run: Run, stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    job = {**bulk_job([*DEAD[:3], *phones(5)]), "canary": 3, "canary_wait_s": 60, "canary_max_failed": 0.5}
    file.write_text(json.dumps(job), "utf-8")
    assert "first 3 recipients go out before the others" in run("send", file, "--dry-run").output
    sent = json.loads(run("send", file, "--json").output)
    assert sent["canary"] == "under way"
    reported = " ".join(run("status", sent["id"]).output.split())
    assert "ready, canary" in reported
    assert "a canary, the first recipients, goes out before the others" in reported
    campaign = Campaign.of(stage.services, sent["id"])
    stage.until(lambda: campaign.status().canary == "failed")
    reported = " ".join(run("status", sent["id"]).output.split())
    assert re.search("the canary failed: [23] of 3 recipients failed, and at most 50% may", reported)
    assert f"to send the same to the others after all: campaigns resume {sent['id']}" in reported
    assert f"to send no more of it: campaigns cancel {sent['id']}" in reported
    assert "canary failed" in " ".join(run("list", "--needs-you", "--state", "canary").output.split())
    assert "The canary failed: " in run("report", sent["id"], "--output", "-").output
    assert run("resume", sent["id"]).exit_code == 0
    stage.finish(campaign)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sent": 0, "requests": {"planned": 2}}, "a canary, the first recipients, goes out before the others"),
        ({"sent": 0, "requests": {"sending": 1}}, "the canary is under way, and its results are awaited"),
        ({"sent": 3, "requests": {"accepted": 1}}, "the canary is under way, and its results are awaited"),
    ],
)
def test_where_it_is(more: dict[str, Any], words: str) -> None:
    assert str(canary_words(a_status(canary="under way", canary_until=None, **more), UTC)).startswith(words)
