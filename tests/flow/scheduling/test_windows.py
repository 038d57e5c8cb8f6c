"""Windows: nothing begins while they are closed, and what does not fit waits here for the next opening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError
from campaigns.send_test import send_test
from campaigns.store.commands import Redis
from tests.support.claims import due_sets
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.moved import Moved
from tests.support.stage import Stage

OFFICE = {"send_between": ["09:00", "20:00"], "send_zone": "UTC"}
JOBS: dict[str, Any] = {"bulk": bulk_job(phones(3)), "quick": quick_job(*phones(3)), "list": list_job(1)}
#: How long events live: longer than any of these campaigns.
WEEKS_S = 9_000_000.0
GERMANS = [f"49151123456{n:02d}" for n in range(4)]


class Days(Moved):
    """Begins on a Monday to come, at night."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        today = self.began.replace(hour=0, minute=0, second=0)
        self.monday = today + timedelta(days=14 - today.weekday())
        self.set_to(self.monday)

    def day(self, days: int, clock: str) -> datetime:
        """That time (UTC) so many days after the Monday."""
        return self.monday + timedelta(days=days, hours=int(clock[:2]), minutes=int(clock[3:]))

    def go(self, days: int, clock: str) -> int:
        """Step at that time. Returns how many messages are at the gateway."""
        self.set_to(self.day(days, clock))
        for _ in range(3):
            self.step()
        return len(self.sandbox.ledger())

    def by_minute(self, clock: str, minutes: int) -> list[int]:
        """How many messages are at the gateway after each of so many minutes from that time of the first day on. Each
        minute takes two seconds more, since what went out a little late delays what follows by as much."""
        found = []
        for minute in range(minutes):
            self.set_to(self.day(0, clock) + timedelta(minutes=minute, seconds=2 * minute))
            for _ in range(3):
                self.step()
            found.append(len(self.sandbox.ledger()))
        return found

    def closings(self, campaign: Campaign) -> list[tuple[str, str]]:
        """What events say of closed windows: the zone, and when it opens."""
        closings = [event.data for event in self.events(campaign) if event.type == "campaign.window_closed"]
        return [(row["zone"], f"{datetime.fromtimestamp(row['opens_ms'] / 1000, tz=UTC):%a %H:%M}") for row in closings]


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Days:
    return Days(make_stage(recipients_per_request=1, schedule_lead_s=600, events_life_s=WEEKS_S))


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


class TestRecipients:
    """Each by the clocks of their own country."""

    JOB = {**bulk_job([*phones(2), *GERMANS]), "send_between": ["09:00", "20:00"], "send_zone": "recipient"}

    def test_batches_have_one_country_each(self, make_stage: Callable[..., Stage]) -> None:
        stage = Days(make_stage(recipients_per_request=100, events_life_s=WEEKS_S))
        campaign = stage.enqueue(self.JOB)
        assert campaign.status().batches == 2
        # Nine o'clock in Minsk is six in UTC; in Berlin it is seven or eight.
        assert [stage.go(0, "05:59"), stage.go(0, "06:00")] == [0, 2]
        assert campaign.status().window_opens_at is None
        assert stage.go(0, "08:00") == 6
        assert {zone for zone, _ in stage.closings(campaign)} == {"BY", "DE"}
        stage.finish(campaign)

    def test_single_messages_and_a_closing(self, stage: Days) -> None:
        stage.set_to(stage.day(0, "17:30"))
        campaign = stage.enqueue(
            {**quick_job(*phones(2), *GERMANS), "send_between": ["09:00", "20:00"], "send_zone": "recipient"}
        )
        # Twenty o'clock in Minsk has come.
        assert stage.go(0, "17:30") == 4
        assert stage.go(1, "05:30") == 4
        assert stage.go(1, "06:00") == 6
        stage.finish(campaign)

    def test_several_zones_of_a_country_count_all(self, stage: Days) -> None:
        spaniards = ["34612345678"]
        campaign = stage.enqueue({**bulk_job(spaniards), "send_between": ["12:00", "13:30"], "send_zone": "recipient"})
        canary_noon = stage.day(0, "12:00").astimezone(UTC)
        opens = campaign.status().window_opens_at
        assert opens is not None
        assert opens.astimezone(UTC).strftime("%H:%M") in {"11:00", "12:00"}
        assert opens <= canary_noon
        job = {**bulk_job(spaniards), "send_between": ["12:00", "13:00"], "send_zone": "recipient"}
        with pytest.raises(
            JobError, match=r"send_zone: the window is never open in all zones of a country at once \(ES\)"
        ):
            stage.enqueue(job)

    def test_a_rate_holds_over_all_countries(self, stage: Days) -> None:
        """Those of one country take their turns while the others wait, and all of them share one rate."""
        stage.set_to(stage.day(0, "05:00"))
        campaign = stage.enqueue({**self.JOB, "rate": "1/minute"})
        assert stage.go(0, "05:30") == 0
        assert stage.by_minute("06:00", 4) == [1, 2, 2, 2]
        assert stage.by_minute("08:00", 6) == [3, 4, 5, 6, 6, 6]
        stage.finish(campaign)

    def test_a_rate_while_all_countries_are_open(self, stage: Days) -> None:
        stage.set_to(stage.day(0, "12:00"))
        mixed = bulk_job([*phones(3), *GERMANS[:2], *phones(2, start=50)])["messages"]
        campaign = stage.enqueue({**self.JOB, "messages": mixed, "rate": "1/minute"})
        assert stage.by_minute("12:31", 8) == [1, 2, 3, 4, 5, 6, 7, 7]
        assert campaign.status().sent == 7
        stage.finish(campaign)

    def test_a_rate_in_one_country(self, stage: Days) -> None:
        stage.set_to(stage.day(0, "10:00"))
        paced = stage.enqueue({**bulk_job(phones(2)), **OFFICE, "send_zone": "recipient", "rate": "1/minute"})
        assert [stage.go(0, "10:00"), stage.go(0, "10:01")] == [1, 2]
        stage.finish(paced)


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

    def test_a_new_time_for_several_countries(self, stage: Days) -> None:
        campaign = stage.enqueue(TestRecipients.JOB)
        campaign.reschedule(stage.day(1, "06:30"))
        assert [stage.go(0, "12:00"), stage.go(1, "06:29"), stage.go(1, "06:30"), stage.go(1, "08:00")] == [0, 0, 2, 6]
        stage.finish(campaign)

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
    stage = Days(make_stage(send_between=(540, 1200), send_zone="UTC", events_life_s=WEEKS_S))
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
    stage = Days(make_stage(send_between=(540, 1200)))
    campaign = stage.enqueue(bulk_job(phones(1)), key="k")
    other = Days(make_stage(send_between=(600, 660)))
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

    def test_what_was_lost_from_the_due_sets_waits_all_the_same(self, stage: Days) -> None:
        campaign = stage.enqueue(TestRecipients.JOB)
        stage.go(0, "01:00")
        stage.services.store.ask(Redis.delete, *due_sets(stage.services.store))
        stage.sweep()
        assert [stage.go(0, "02:00"), stage.go(0, "08:00")] == [0, 6]
        stage.finish(campaign)
        assert max(Counter(row["phone"] for row in stage.sandbox.ledger()).values()) == 1
