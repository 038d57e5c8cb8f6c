"""Windows by the clocks of recipients: those of each country wait for their own opening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC

import pytest

from campaigns.errors import JobError
from campaigns.store.commands import Redis
from tests.support.claims import due_sets
from tests.support.days import OFFICE, Days, days
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

GERMANS = [f"49151123456{n:02d}" for n in range(4)]


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Days:
    return days(make_stage)


class TestRecipients:
    """Each by the clocks of their own country."""

    JOB = {**bulk_job([*phones(2), *GERMANS]), "send_between": ["09:00", "20:00"], "send_zone": "recipient"}

    def test_batches_have_one_country_each(self, make_stage: Callable[..., Stage]) -> None:
        stage = days(make_stage, recipients_per_request=100)
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

    def test_a_new_time_for_several_countries(self, stage: Days) -> None:
        campaign = stage.enqueue(self.JOB)
        campaign.reschedule(stage.day(1, "06:30"))
        assert [stage.go(0, "12:00"), stage.go(1, "06:29"), stage.go(1, "06:30"), stage.go(1, "08:00")] == [0, 0, 2, 6]
        stage.finish(campaign)

    def test_what_was_lost_from_the_due_sets_waits_all_the_same(self, stage: Days) -> None:
        campaign = stage.enqueue(self.JOB)
        stage.go(0, "01:00")
        stage.services.store.ask(Redis.delete, *due_sets(stage.services.store))
        stage.sweep()
        assert [stage.go(0, "02:00"), stage.go(0, "08:00")] == [0, 6]
        stage.finish(campaign)
        assert max(Counter(row["phone"] for row in stage.sandbox.ledger()).values()) == 1
