"""The frequency cap: nobody gets more messages than it allows."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.errors import JobError
from campaigns.flow.scheduling.sweep import SWEEP_ENTRY
from campaigns.flow.scheduling.work import work
from campaigns.ledger import ToCheck
from campaigns.person import find_person
from campaigns.preview import preview
from campaigns.recipients.exclusions import Excluded, Exclusion
from campaigns.times.days import day_of
from tests.flow.sending.conftest import MakeStage, sent
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job
from tests.support.moved import Moved
from tests.support.stage import Stage


def planned_together(stage: Stage, *jobs: Any) -> list[Campaign]:
    """Campaigns of which each was planned before any message of another counted."""
    return [stage.enqueue(job) for job in jobs]


class TestWhoIsCapped:
    """Excluded, counted, listed."""

    def test_at_planning(self, capped: Stage) -> None:
        capped.finish(capped.enqueue(bulk_job(phones(3))))
        campaign = capped.enqueue(bulk_job(phones(5)))
        assert campaign.status().recipients["capped"] == 3
        capped.finish(campaign)
        assert sent(capped) == Counter(phones(5))
        listed = Excluded("capped", "messages[0].delivery_list[0]", phones(1)[0])
        assert next(campaign.excluded()) == listed
        assert "cap" in listed.words
        (found, _) = find_person(capped.services, phones(1)[0])
        assert found.excluded == (("capped", "messages[0].delivery_list[0]"),)

    @pytest.mark.parametrize("kind", ["bulk", "quick"])
    def test_before_the_claim(self, capped: Stage, kind: str) -> None:
        """Both were planned when nothing counted: the first to be claimed gets it."""
        make = {"bulk": bulk_job, "quick": lambda some: quick_job(*some)}[kind]
        first, second = planned_together(capped, make(phones(3)), make(phones(5)))
        capped.finish(first, second)
        assert sent(capped) == Counter(phones(5))
        assert first.status().recipients["capped"] + second.status().recipients["capped"] == 3
        late = [one for campaign in (first, second) for one in campaign.excluded()]
        assert {one.phone for one in late} == set(phones(3))
        assert all("-" in one.place for one in late)
        capped_in_events = [
            event.data["capped"]
            for campaign in (first, second)
            for event in capped.events(campaign)
            if event.type == "batch.reduced"
        ]
        assert sum(capped_in_events) == 3

    def test_personal_with_two_texts_to_one_phone(self, make_stage: MakeStage) -> None:
        """The messages of one job count like those of several."""
        stage = make_stage(cap_messages=2)
        one, other = phones(2)
        rows = [{"phone": one, "text": text} for text in "abc"] + [{"phone": other, "text": "d"}]
        campaign = stage.enqueue(personal_job(rows))
        stage.finish(campaign)
        assert sent(stage) == Counter({one: 2, other: 1})
        assert campaign.status().recipients["capped"] == 1

    def test_several_mailings(self, capped: Stage) -> None:
        job = sample_job(schedule=None)
        campaign = capped.enqueue(job)
        capped.finish(campaign)
        assert set(sent(capped).values()) == {1}
        status = campaign.status()
        excluded = status.total - len(sent(capped))
        assert status.recipients["capped"] > 0
        assert sum(status.recipients[reason] for reason in Exclusion) == excluded

    def test_strict_and_preview(self, capped: Stage) -> None:
        capped.finish(capped.enqueue(bulk_job(phones(2))))
        found = preview(capped.services, bulk_job(phones(3)))
        assert (found.capped, found.to_send, found.examples[0].reason) == (2, 1, "capped")
        with pytest.raises(JobError, match="2 capped"):
            capped.enqueue(bulk_job(phones(3)), strict=True)


class TestDays:
    """Of the calendar."""

    @pytest.fixture
    def days(self, make_stage: MakeStage) -> Moved:
        return Moved(make_stage(cap_messages=2, cap_days=3, events_life_s=9_000_000.0, body_retention_s=9_000_000.0))

    def send_on(self, stage: Moved, day: int) -> int:
        """Send to one phone at noon of a day. Returns whether it got it."""
        stage.set_to(stage.began.replace(hour=9, minute=0, second=0) + timedelta(days=day))
        campaign = stage.enqueue(bulk_job(phones(1), text=f"day {day}") | {"follow": "none"})
        for _ in range(3):
            stage.step()
        return campaign.status().sent

    def test_two_messages_in_three_days(self, days: Moved) -> None:
        assert [self.send_on(days, day) for day in (1, 2, 3, 4, 5, 6, 7)] == [1, 1, 0, 1, 1, 0, 1]

    def test_counted_on_the_day_of_the_claim(self, days: Moved) -> None:
        """Planned, checked and put off: what was counted then does not count for that day any more."""
        days.set_to(days.began.replace(hour=9, minute=0, second=0) + timedelta(days=1))
        campaign = days.enqueue(bulk_job(phones(2)))
        assert isinstance(days.claim(f"{campaign.id}-0"), ToCheck)
        campaign.pause()
        days.set_to(days.began.replace(hour=9, minute=0, second=0) + timedelta(days=5))
        campaign.resume()
        days.step()
        days.step()
        assert campaign.status().sent == 2
        batch = days.services.batches.read(f"{campaign.id}-0")
        today = day_of(days.now_ms(), days.services.settings.gateway_timezone).number
        assert batch.fields["counted"] == f"{today} "


class TestJobs:
    """What a job says of its cap."""

    def test_a_stricter_one(self, make_stage: MakeStage) -> None:
        stage = make_stage(cap_messages=3)
        stage.finish(stage.enqueue(bulk_job(phones(2))))
        strict = stage.enqueue(bulk_job(phones(3), text="second") | {"cap_messages": 1, "cap_days": 2})
        assert strict.status().recipients["capped"] == 2
        stage.finish(strict, stage.enqueue(bulk_job(phones(3), text="third")))
        assert sent(stage) == Counter({**dict.fromkeys(phones(2), 2), phones(3)[2]: 2})

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"cap_days": 3}, "can only be used with cap_messages"),
            ({"cap_messages": 1, "cap_days": 8}, "must be at most 7"),
            ({"cap_messages": 1, "transactional": True}, "no cap holds back"),
            ({"cap_messages": 0}, "must lie between 1"),
        ],
    )
    def test_contradictions(self, capped: Stage, fields: dict[str, Any], problem: str) -> None:
        with pytest.raises(JobError, match=problem):
            capped.enqueue(bulk_job(phones(1)) | fields)

    def test_without_the_setting(self, stage: Stage) -> None:
        with pytest.raises(JobError, match="CAMPAIGNS_CAP_MESSAGES"):
            stage.enqueue(bulk_job(phones(1)) | {"cap_messages": 1})
        with pytest.raises(JobError, match="only the gateway knows"):
            stage.enqueue(list_job(2) | {"cap_messages": 1})


@pytest.mark.parametrize("kind", ["bulk", "quick"])
def test_many_workers_and_campaigns(make_stage: MakeStage, kind: str) -> None:
    """Five campaigns to the same sixty phones, planned at once: everybody gets two messages, from any two of them."""
    stage = make_stage(recipients_per_request=7, cap_messages=2)
    make = {"bulk": bulk_job, "quick": lambda some, text: quick_job(*some, message=text)}[kind]
    campaigns = planned_together(stage, *(make(phones(60), text=f"campaign {n}") for n in range(5)))
    stage.services.due.put_control(SWEEP_ENTRY, stage.services.now_ms() + 86_400_000)

    def send() -> None:
        for _ in range(40):
            work(stage.services, kind, overlap=3, patience_s=0)

    workers = [threading.Thread(target=send) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    stage.finish(*campaigns, timeout_s=60)
    assert sent(stage) == Counter(dict.fromkeys(phones(60), 2))
    assert sum(campaign.status().recipients["capped"] for campaign in campaigns) == 180
