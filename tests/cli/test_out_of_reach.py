"""What waits at the gateway for its time cannot be taken back: everything that shows a campaign says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.campaign_status import Status
from campaigns.cli.output.campaign_list import CampaignsTable
from campaigns.cli.output.status_table import status_table
from campaigns.reports import page, report_on
from campaigns.text.wording import minute
from tests.cli.conftest import Run
from tests.cli.output.test_status_table import a_status, rendered
from tests.support.html import Html
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

ZONE = ZoneInfo("Europe/Minsk")
FIRST, LAST = datetime(2030, 5, 1, 7, tzinfo=UTC), datetime(2030, 5, 2, 7, tzinfo=UTC)
OUT = "3 messages wait at the gateway until 2030-05-02 10:00 Europe/Minsk: neither pause nor cancel stops that"


def scheduled(**more: object) -> Status:
    times = {"scheduled_at": (FIRST, LAST), "out_of_reach": 3, "out_of_reach_until": LAST}
    return a_status(**{**times, "state": "paused", **more})


@pytest.mark.parametrize("width", [80, 140, 200])
def test_status_and_list_say_what_is_scheduled(width: int) -> None:
    def flat(text: str) -> str:
        return " ".join(text.split())

    status = flat(rendered(status_table(scheduled(), zone=ZONE), width))
    assert "scheduled for 2030-05-01 10:00 to 2030-05-02 10:00" in status
    assert OUT in status
    shown = rendered(CampaignsTable([scheduled(), a_status(name="not scheduled")], ZONE), width)
    assert "…" not in shown
    if width < 200:
        assert "scheduled for 2030-05-01 10:00 to 2030-05-02 10:00" in shown
        assert OUT in flat(shown)
        return
    head, row, other, *_ = shown.splitlines()
    assert "scheduled" in head
    assert "out of reach" in head
    assert "2030-05-01 10:00 +1" in row
    assert row.index("paused") < row.index(" 3  ") == row.rindex(" 3 ")
    assert "2030" not in other


def test_one_message_and_one_time() -> None:
    shown = rendered(CampaignsTable([scheduled(scheduled_at=(LAST,), out_of_reach=1)], ZONE), 120)
    assert "scheduled for 2030-05-02 10:00" in [line.strip() for line in shown.splitlines()]
    assert "1 message waits at the gateway until" in shown


def test_what_is_over_waits_for_no_time() -> None:
    shown = rendered(CampaignsTable([scheduled(state="finished", out_of_reach=0, out_of_reach_until=None)], ZONE), 120)
    assert "scheduled" not in shown


def test_pause_cancel_and_report_say_it(run: Run, stage: Stage) -> None:
    later = (datetime.now(UTC) + timedelta(days=5)).replace(second=0, microsecond=0)
    job = bulk_job(phones(2), text="now")
    (mailing,) = bulk_job(phones(3, start=20), text="later")["messages"]
    job["messages"].append({**mailing, "name": "later", "schedule_time": later.isoformat()})
    campaign = stage.enqueue(job)
    until = minute(later, stage.services.settings.gateway_timezone)
    waiting = Html(page(report_on(stage.services, campaign.id)))
    assert "out of reach" not in waiting.text
    assert "shortly before their time" in waiting.numbers("Open, unknown or held")["Waiting"][1]
    stage.until(lambda: campaign.status().sent == 5)
    said = f"3 messages wait at the gateway until {until} Europe/Minsk: neither pause nor cancel stops that"
    for command in ("pause", "status", "cancel", "status"):
        shown = " ".join(run(command, campaign.id).stdout.split())
        assert said in shown, command
        assert command == "pause" or f"scheduled for {until}" in shown, command
    assert until in run("list").stdout
    row = json.loads(run("list", "--json").stdout)
    assert (row["state"], row["out_of_reach"]) == ("cancelling", 3)
    html = Html(page(report_on(stage.services, campaign.id)))
    assert f"3 messages out of reach until {until}:00" in html.text
    assert f"Scheduled for{until}:00" in html.texts["dl"]
