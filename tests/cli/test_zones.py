"""One campaign's times as everything that shows them says, where the gateway's zone is far from UTC and not whole hours."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from campaigns.broker.envelopes import Envelope
from campaigns.submission import take_in
from tests.cli.conftest import Run
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

ZONE = ZoneInfo("Asia/Kathmandu")  # UTC+05:45


@pytest.fixture
def stage(make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = make_stage(gateway_timezone=ZONE)
    stage.sandbox.change(timezone=ZONE.key)
    monkeypatch.setenv("CAMPAIGNS_GATEWAY_TIMEZONE", ZONE.key)
    return stage


def seconds(text: str) -> float:
    """Unix seconds of a time that says its offset from UTC."""
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    return at.timestamp()


def test_all_agree_and_each_says_its_zone(stage: Stage, run: Run) -> None:
    (phone,) = phones(1)
    campaign = stage.enqueue(bulk_job([phone]))
    stage.finish(campaign)
    status = campaign.status()
    assert status.ended_at is not None
    (delivery,) = campaign.deliveries()
    assert delivery.at_ms is not None
    handed_in, changed = status.created_at.astimezone(ZONE), datetime.fromtimestamp(delivery.at_ms // 1000, tz=ZONE)
    assert status.created_at <= changed.astimezone(status.created_at.tzinfo).replace(microsecond=999_999)
    minute, second = f"{handed_in:%Y-%m-%d %H:%M}", f"{handed_in:%Y-%m-%d %H:%M:%S}"
    changed_second = f"{changed:%Y-%m-%d %H:%M:%S}"

    shown = run("status", campaign.id).stdout
    assert f"handed in {minute}, times in Asia/Kathmandu" in shown
    shown = run("list").stdout
    assert minute in shown
    assert "times in Asia/Kathmandu" in shown
    shown = run("explain", phone).stdout
    assert f"{phone}, times in Asia/Kathmandu" in shown
    assert f"handed in {second}" in shown
    assert changed_second in shown
    page = re.sub(r"<[^>]*>", "", run("report", campaign.id, "--output", "-").stdout)
    assert second in page
    assert f"{status.ended_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}" in page
    assert "All times are in Asia/Kathmandu (UTC+05:45)." in page

    reported = run("report", campaign.id, "--csv").stdout_bytes.decode()
    (row,) = csv.DictReader(io.StringIO(reported, newline=""))
    assert changed.isoformat(timespec="seconds") in row.values()
    one = json.loads(run("status", campaign.id, "--json").stdout)
    assert seconds(one["created_at"]) == status.created_at.timestamp()
    assert seconds(json.loads(run("list", "--json").stdout)["created_at"]) == status.created_at.timestamp()
    times = [seconds(json.loads(line)["time"]) for line in run("events").stdout.splitlines()]
    assert abs(times[0] - status.created_at.timestamp()) < 1
    assert abs(times[-1] - status.ended_at.timestamp()) < 1


def test_what_could_not_be_read_is_listed_in_that_zone(stage: Stage, run: Run) -> None:
    take_in(stage.services, Envelope("submissions", {"task": "campaigns.submit", "id": "m-1"}, body=b"?"))
    (one,) = stage.services.rejected.newest()
    at = datetime.fromtimestamp(one.at_ms // 1000, tz=ZONE)
    assert f"{at:%Y-%m-%d %H:%M:%S}+05:45" in run("submissions", "list").stdout
    assert json.loads(run("submissions", "list", "--json").stdout)["at_ms"] == one.at_ms
