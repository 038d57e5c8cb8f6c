"""Windows: nothing begins while they are closed, and what does not fit waits here for the next opening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError
from campaigns.send_test import send_test
from tests.support.days import OFFICE, Days, days
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage

JOBS: dict[str, Any] = {"bulk": bulk_job(phones(3)), "quick": quick_job(*phones(3)), "list": list_job(1)}


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Days:
    return days(make_stage)


@pytest.mark.parametrize("kind", JOBS)
def test_what_comes_at_night_waits_for_the_morning(stage: Days, kind: str) -> None:
    campaign = stage.enqueue({**JOBS[kind], **OFFICE})
    assert (stage.go(0, "01:00"), stage.go(0, "08:59")) == (0, 0)
    status = campaign.status()
    assert status.send_window == "09:00 to 20:00 in UTC"
    assert (status.state, status.window_opens_at) == ("ready", stage.day(0, "09:00"))
    assert stage.closings(campaign) == [("UTC", "Mon 09:00")]
    assert stage.go(0, "09:00") > 0
    assert campaign.status().window_opens_at is None
    stage.finish(campaign)


def test_it_closes_in_mid_campaign_and_goes_on_the_next_day(stage: Days) -> None:
    """Its rate leaves five seconds of each minute: what goes out a little late delays what follows by as much."""
    stage.set_to(stage.day(0, "19:58"))
    campaign = stage.enqueue({**bulk_job(phones(4)), **OFFICE, "rate": "66/hour"})
    assert stage.go(0, "19:58") == 1
    assert stage.go(0, "19:59") == 2
    assert [stage.go(0, "20:00"), stage.go(0, "23:59"), stage.go(1, "08:59")] == [2, 2, 2]
    assert stage.closings(campaign) == [("UTC", "Tue 09:00")]
    assert campaign.status().recipients["planned"] == 2
    # The rate holds after the opening too.
    assert [stage.go(1, "09:00"), stage.go(1, "09:01")] == [3, 4]
    stage.finish(campaign)


def test_weekdays(stage: Days) -> None:
    stage.set_to(stage.day(4, "21:00"))
    campaign = stage.enqueue({**bulk_job(phones(1)), **OFFICE, "send_on": ["mon", "Fri"]})
    assert [stage.go(5, "12:00"), stage.go(6, "12:00"), stage.go(7, "08:00"), stage.go(7, "10:00")] == [0, 0, 0, 1]
    stage.finish(campaign)


def test_other_campaigns_of_the_account_do_not_wait(stage: Days) -> None:
    closed = stage.enqueue({**bulk_job(phones(3)), **OFFICE})
    other = stage.enqueue(bulk_job(phones(2, start=50), text="other"))
    assert stage.go(0, "01:00") == 2
    assert (closed.status().sent, other.status().sent) == (0, 2)


class TestOtherRules:
    """Beside schedules, new times, pauses, drafts, doubts and tests."""

    def scheduled(self, stage: Days, clock: str) -> Campaign:
        job = {**bulk_job(phones(2)), **OFFICE}
        job["messages"][0]["schedule_time"] = stage.day(1, clock).isoformat()
        return stage.enqueue(job)

    def test_a_time_within_it(self, stage: Days) -> None:
        campaign = self.scheduled(stage, "09:05")
        assert [stage.go(1, "08:56"), stage.go(1, "09:00")] == [0, 2]
        assert set(stage.starts()) == {stage.day(1, "09:05").isoformat()}
        assert campaign.status().out_of_reach == 2

    def test_a_time_after_it_closes(self, stage: Days) -> None:
        campaign = self.scheduled(stage, "20:05")
        assert [stage.go(1, "19:56"), stage.go(1, "20:06"), stage.go(2, "08:50"), stage.go(2, "09:00")] == [0, 0, 0, 2]
        assert campaign.status().out_of_reach == 0
        stage.finish(campaign)

    def test_a_new_time_outside_of_it(self, stage: Days) -> None:
        early, late = (stage.enqueue({**bulk_job(phones(2), text=text), **OFFICE}) for text in ("early", "late"))
        early.reschedule(stage.day(1, "07:00"))
        late.reschedule(stage.day(1, "20:05"))
        assert [stage.go(0, "12:00"), stage.go(1, "08:00"), stage.go(1, "09:00")] == [0, 0, 2]
        assert [stage.go(1, "19:56"), stage.go(1, "20:30"), stage.go(2, "09:00")] == [2, 2, 4]
        stage.finish(early, late)

    def test_pause_resume_and_cancel(self, stage: Days) -> None:
        paused, cancelled = (stage.enqueue({**bulk_job(phones(2), text=text), **OFFICE}) for text in "ab")
        stage.go(0, "01:00")
        paused.pause()
        cancelled.cancel()
        assert stage.go(0, "12:00") == 0
        paused.resume()
        assert stage.go(0, "12:01") == 2
        assert cancelled.status().recipients["cancelled"] == 2
        stage.finish(paused, cancelled)

    def test_a_draft_that_is_approved_at_night(self, stage: Days) -> None:
        campaign = stage.enqueue({**bulk_job(phones(2)), **OFFICE}, start="draft", by="ann")
        assert stage.go(0, "12:00") == 0
        stage.set_to(stage.day(0, "22:00"))
        campaign.approve(by="bob")
        assert [stage.go(0, "22:01"), stage.go(1, "09:00")] == [0, 2]
        stage.finish(campaign)

    def test_what_was_refused_for_the_moment_and_comes_back(self, stage: Days) -> None:
        stage.sandbox.fault("too_many", "sendBulkViber", retry_after="120")
        stage.set_to(stage.day(0, "19:59"))
        campaign = stage.enqueue({**bulk_job(phones(1)), **OFFICE})
        assert [stage.go(0, "19:59"), stage.go(0, "20:30"), stage.go(1, "09:00")] == [0, 0, 1]
        stage.finish(campaign)

    def test_a_test_goes_out_at_once(self, stage: Days) -> None:
        send_test(stage.services, {**bulk_job(phones(2)), **OFFICE}, to=phones(1)[0])
        assert stage.go(0, "01:00") == 1


def test_what_the_settings_say_and_who_is_exempt(make_stage: Callable[..., Stage]) -> None:
    stage = days(make_stage, send_between=(540, 1200), send_zone="UTC")
    jobs = [
        bulk_job(phones(1), text="by the settings"),
        {**quick_job(*phones(1)), "transactional": True},
        {**bulk_job(phones(1), text="by its own"), "send_between": ["00:30", "02:00"]},
    ]
    campaigns = [one.campaign for one in enqueue_many(stage.services, jobs) if one.campaign]
    assert [campaign.status().send_window for campaign in campaigns] == [
        "09:00 to 20:00 in UTC",
        "",
        "00:30 to 02:00 in UTC",
    ]
    assert stage.go(0, "01:00") == 2
    assert stage.go(0, "09:00") == 3
    stage.finish(*campaigns)


def test_one_key_is_one_campaign_whatever_the_settings_say_later(make_stage: Callable[..., Stage]) -> None:
    stage = days(make_stage, send_between=(540, 1200))
    campaign = stage.enqueue(bulk_job(phones(1)), key="k")
    other = days(make_stage, send_between=(600, 660))
    assert other.enqueue(bulk_job(phones(1)), key="k") == campaign


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"send_between": ["20:00", "09:00"]}, "send_between: must open before it closes"),
        ({"send_between": "09:00"}, "send_between: must be an opening and a closing time"),
        ({"send_on": []}, "send_on: must be some of mon"),
        ({"send_zone": "Europe/Minsk"}, "send_zone: can only be used with send_between or send_on"),
        ({**OFFICE, "send_zone": "Mars"}, "send_zone: must be a time zone such as Europe/Minsk, or recipient"),
        ({**OFFICE, "transactional": 1}, "send_between: has no place in a transactional job"),
        ({**JOBS["list"], **OFFICE, "send_zone": "recipient"}, "send_zone: must name a zone"),
    ],
)
def test_what_does_not_fit_together(stage: Days, fields: dict[str, Any], problem: str) -> None:
    job = fields if "kind" in fields else {**bulk_job(phones(1)), **fields}
    with pytest.raises(JobError, match=problem):
        stage.enqueue(job)


class TestTime:
    """What happens as weeks go by."""

    def test_openings_are_written_anew_also_after_a_long_pause(self, stage: Days) -> None:
        campaign = stage.enqueue({**bulk_job(phones(2)), **OFFICE})
        campaign.pause()
        stage.set_to(stage.day(60, "21:00"))
        campaign.resume()
        assert [stage.go(60, "21:01"), stage.go(61, "09:00")] == [0, 2]
        stage.finish(campaign)

    def test_without_any_it_stays_closed(self, stage: Days) -> None:
        campaign = stage.enqueue({**bulk_job(phones(2)), **OFFICE})
        assert stage.go(80, "12:00") == 0
        stage.sweep()
        stage.moved_ms += 31_000
        stage.step()
        assert len(stage.sandbox.ledger()) == 2
        stage.finish(campaign)
