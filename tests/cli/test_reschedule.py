"""`campaigns reschedule`: what it says, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.cli.conftest import Run
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def test_reschedule(run: Run, stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(3)))
    reported = run("reschedule", campaign.id, "2099-05-01 10:00", "--by", "ann", "--why", "rain")
    assert reported.exit_code == 0, reported.output
    assert "scheduled for 2099-05-01 10:00" in reported.output
    found = json.loads(run("reschedule", campaign.id[:12], "2099-05-02T10:00:00+03:00", "--json").output)
    assert (found["rescheduled"], found["scheduled_at"]) == (1, ["2099-05-02T07:00:00+00:00"])
    assert f"ann rescheduled campaign {campaign.id} to 2099-05-01 10:00:00 Europe/Minsk (3 recipients): rain" in (
        " ".join(run("audit").output.split())
    )


def test_a_time_at_which_the_window_is_closed(run: Run, stage: Stage) -> None:
    """What people chose is kept, and when it goes out instead is said."""
    campaign = stage.enqueue(bulk_job(phones(3), send_between=["09:00", "21:00"]))
    reported = run("reschedule", campaign.id, "2099-05-01 23:30")
    assert reported.exit_code == 0, reported.output
    assert "window is closed at that time; the last messages go out from 2099-05-02 09:00:00 on" in (
        " ".join(reported.output.split())
    )
    found = json.loads(run("reschedule", campaign.id, "2099-05-01 23:30", "--json").output)
    assert found["window_opens_at"] == "2099-05-02T06:00:00+00:00"
    assert "window is closed" not in run("reschedule", campaign.id, "2099-05-01 10:00").output
    assert json.loads(run("reschedule", campaign.id, "2099-05-01 10:00", "--json").output)["window_opens_at"] is None


def test_what_cannot_be(run: Run, stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(3)))
    for when in ("yesterday", "2020-05-01 10:00"):
        reported = run("reschedule", campaign.id, when)
        assert (reported.exit_code, "TIME" in reported.output) == (2, True)
    later = datetime.now(UTC) + timedelta(days=1)
    job = bulk_job(phones(3), text="later")
    job["messages"][0]["schedule_time"] = later.isoformat()
    gone = stage.enqueue(job)
    stage.until(lambda: gone.status().sent == 3)
    reported = run("reschedule", gone.id, "2099-05-01 10:00")
    assert reported.exit_code == 1
    assert "3 messages wait at the gateway" in " ".join(reported.output.split())
    assert "no batch of it is still here" in reported.output
    stage.finish(campaign)
    assert run("reschedule", campaign.id, "2099-05-01 10:00").exit_code == 5
