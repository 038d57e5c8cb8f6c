"""Drafts on the command line: handed in, listed, approved."""

from __future__ import annotations

import json
from pathlib import Path

from campaigns.campaign import Campaign
from tests.cli.conftest import Run
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def test_from_send_to_approve(run: Run, stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(bulk_job(phones(3))), "utf-8")
    sent = json.loads(run("send", file, "--draft", "--by", "ann", "--json").output)
    assert (sent["state"], sent["made_by"]) == ("draft", "ann")
    reported = " ".join(run("status", sent["id"]).output.split())
    assert "a draft, made by ann: it was handed in as a draft; nothing goes out before it is approved" in reported
    assert f"campaigns approve {sent['id']}" in reported
    listed = run("list", "--needs-you", "--state", "draft").output
    assert sent["id"] in listed
    assert "to approve" in listed
    refused = run("approve", sent["id"], "--by", "ann")
    assert (refused.exit_code, "another person has to approve it" in refused.output) == (5, True)
    paused = run("pause", sent["id"])
    assert (paused.exit_code, "campaigns approve" in paused.output) == (5, True)
    assert f"campaigns approve {sent['id']}" in run("report", sent["id"], "--output", "-").output
    assert f"campaigns approve {sent['id']}" in run("explain", phones(1)[0]).output
    assert run("approve", sent["id"][:12], "--by", "bob").exit_code == 0
    assert f"bob approved campaign {sent['id']}" in " ".join(run("audit").output.split())
    stage.finish(Campaign.of(stage.services, sent["id"]))
    over = run("approve", sent["id"], "--by", "ann")
    assert (over.exit_code, "it is over" in over.output, "another person" in over.output) == (5, True, False)
