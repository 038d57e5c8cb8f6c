"""The frequency cap: nobody gets more messages than it allows, and only what may have gone out counts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.errors import ErasureBlockedError, JobError
from campaigns.flow.scheduling.sweep import SWEEP_ENTRY
from campaigns.flow.scheduling.work import work
from campaigns.flow.sending.later_optouts import exclude_later
from campaigns.jobs.caps import Cap
from campaigns.ledger import Claim, Move, ToCheck
from campaigns.person import erase, find_person
from campaigns.preview import preview
from campaigns.recipients.exclusions import Excluded, Exclusion
from campaigns.send_test import send_test
from campaigns.store.commands import Redis
from campaigns.times.days import day_of
from tests.support.doubt import send_younger
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job
from tests.support.moved import Moved
from tests.support.stage import Stage

MakeStage = Callable[..., Stage]


@pytest.fixture
def capped(make_stage: MakeStage) -> Stage:
    """At most one campaign message to a phone in seven days."""
    return make_stage(cap_messages=1)


def sent(stage: Stage) -> Counter[str]:
    return Counter(row["phone"] for row in stage.sandbox.ledger())


def counted(stage: Stage, number: int, account: str = "") -> list[bool]:
    """For each of the first phones, whether a message of it counts today."""
    services = stage.services
    day = day_of(services.now_ms(), services.settings.gateway_timezone).number
    checker = services.counts.checker(Cap.read(f"{account}|1/7"), day)
    return list(checker(phones(number))) or [False] * number


def planned_together(stage: Stage, *jobs: Any) -> list[Campaign]:
    """Campaigns of which each was planned before any message of another counted."""
    return [stage.enqueue(job) for job in jobs]


def claimed_after_check(stage: Stage, batch_id: str) -> Claim:
    """The claim of a batch whose messages are counted first."""
    taken = stage.claim(batch_id)
    assert isinstance(taken, ToCheck)
    exclude_later(stage.services, batch_id, taken.outdated)
    claim = stage.claim(batch_id)
    assert isinstance(claim, Claim)
    return claim


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


class TestWhatCounts:
    """Messages that may have gone out."""

    def test_a_refused_request_does_not(self, capped: Stage) -> None:
        capped.sandbox.fault("refuse", "sendBulkViber")
        campaign = capped.enqueue(bulk_job(phones(3)))
        capped.finish(campaign)
        capped.until(lambda: not any(counted(capped, 3)))
        campaign.retry(by="me", why="put right")
        capped.finish(campaign)
        assert sent(capped) == Counter(phones(3))
        assert counted(capped, 4) == [True, True, True, False]

    def test_a_refused_mailing_does_not(self, capped: Stage) -> None:
        """The other mailing of its request does, and goes on to do so."""
        (mailing,) = bulk_job(phones(2))["messages"]
        other = {**mailing, "name": "other", "delivery_list": phones(4)[2:]}
        campaign = capped.enqueue(bulk_job([]) | {"messages": [mailing, other]})
        claim = claimed_after_check(capped, f"{campaign.id}-0")
        services = capped.services
        assert services.batches.move(claim.batch, Move("accepted"), from_states={"sending"}, fence=claim.fence)
        services.deliveries.reject_mailing(claim.batch, 0, 2, "blocked")
        capped.until(lambda: counted(capped, 4) == [False, False, True, True])
        assert services.batches.read(claim.batch.id).fields["counted"].endswith(" 0")
        assert not services.due.waiting("control", services.now_ms(), services.now_ms())

    @pytest.mark.parametrize("fault", ["refuse_account", "too_many"])
    def test_what_was_not_written_does_not(self, make_stage: MakeStage, fault: str) -> None:
        """A request that waits for its account holds nobody else back."""
        capped = make_stage(cap_messages=1, penalty_s=30.0, account_pause_s=30.0)
        capped.sandbox.fault(fault, "sendBulkViber")
        waits = capped.enqueue(bulk_job(phones(3)))
        capped.until(lambda: "batch.planned" in capped.event_types(waits))
        capped.until(lambda: not any(counted(capped, 3)))
        assert waits.status().recipients["planned"] == 3

    def test_a_cancelled_one_does_not(self, capped: Stage) -> None:
        """Also if a worker had counted it already."""
        campaign = capped.enqueue(bulk_job(phones(3)))
        taken = capped.claim(f"{campaign.id}-0")
        assert isinstance(taken, ToCheck)
        exclude_later(capped.services, taken.batch_id, taken.outdated)
        assert all(counted(capped, 3))
        campaign.cancel()
        capped.finish(campaign)
        capped.until(lambda: not any(counted(capped, 3)))

    @pytest.mark.clear_listing
    def test_a_doubt_counts_until_absence_is_proven(self, make_stage: MakeStage) -> None:
        stage = make_stage(on_unknown="resend", cap_messages=1)
        stage.finish(stage.enqueue(bulk_job(phones(1, start=50), text="seen in the listing")))
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.until(lambda: campaign.status().recipients["unknown"] == 3)
        assert counted(stage, 3) == [True] * 3
        send_younger(stage)
        stage.finish(campaign)
        assert Counter(phones(3)) <= sent(stage)
        assert max(sent(stage).values()) == 1

    def test_transactional_jobs_and_tests_do_not(self, capped: Stage) -> None:
        campaign = capped.enqueue(quick_job(*phones(1)) | {"transactional": True})
        tested = send_test(capped.services, bulk_job(phones(2)), to=phones(1))
        capped.finish(campaign, tested, capped.enqueue(bulk_job(phones(1), text="capped")))
        again = capped.enqueue(quick_job(*phones(1), message="code") | {"transactional": True})
        tested = send_test(capped.services, bulk_job(phones(2), text="more"), to=phones(1))
        capped.finish(again, tested)
        assert sent(capped) == Counter({phones(1)[0]: 5})

    def test_lists_are_kept_at_the_gateway(self, capped: Stage) -> None:
        campaign = capped.enqueue(list_job(2))
        capped.finish(campaign)
        assert campaign.status().sent == 25

    def test_who_opted_out_meanwhile_does_not(self, capped: Stage) -> None:
        campaign = capped.enqueue(bulk_job(phones(3)))
        capped.services.optouts.add(phones(1))
        capped.finish(campaign)
        assert counted(capped, 3) == [False, True, True]
        assert campaign.status().recipients["opted_out"] == 1

    def test_after_a_late_answer_it_does(self, capped: Stage) -> None:
        """A batch that was cancelled, or so it seemed, had gone out: whatever the cap says, its messages count."""
        services = capped.services
        campaign = capped.enqueue(bulk_job(phones(3)))
        capped.until(lambda: campaign.status().sent == 3)
        name = services.store.keys.batch(f"{campaign.id}-0")
        assert services.counts.begin(f"{campaign.id}-0", "op", ["accepted", "settled"])
        capped.sweep()
        capped.until(lambda: services.store.ask(Redis.hexists, name, "counted"))
        assert counted(capped, 3) == [True] * 3


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

    def test_accounts_apart(self, make_stage: MakeStage) -> None:
        stage = make_stage(cap_messages=1, cap_scope="account")
        stage.finish(stage.enqueue(bulk_job(phones(2))))
        assert counted(stage, 2, "default") == [True, True]
        assert counted(stage, 2) == [False, False]


def test_erasing_a_person(capped: Stage) -> None:
    campaign = capped.enqueue(bulk_job(phones(2)))
    capped.finish(campaign)
    erase(capped.services, phones(1)[0])
    assert counted(capped, 2) == [False, True]


def test_no_erasing_while_a_count_is_taken_back(capped: Stage) -> None:
    """The messages of a batch are distinguished by their places in it."""
    capped.sandbox.fault("refuse", "sendBulkViber")
    campaign = capped.enqueue(bulk_job(phones(2)))
    capped.until(lambda: campaign.status().recipients["rejected"] == 2)
    capped.services.counts.begin(f"{campaign.id}-0", "op", ["rejected"])
    with pytest.raises(ErasureBlockedError):
        erase(capped.services, phones(1)[0])
    capped.sweep()
    capped.step()
    assert erase(capped.services, phones(1)[0]).bodies == 1


def test_body_that_has_expired(capped: Stage) -> None:
    campaign = capped.enqueue(bulk_job(phones(2)))
    capped.services.store.ask(Redis.delete, capped.services.store.keys.body(f"{campaign.id}-0"))
    capped.finish(campaign)
    assert campaign.status().recipients["rejected"] == 2


def test_nothing_more_is_written_without_a_cap(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(3)))
    assert not isinstance(stage.claim(f"{campaign.id}-0"), ToCheck)
    names = stage.services.store.ask(Redis.keys, f"{stage.services.store.keys.prefix}counted:*")
    fields = stage.services.batches.read(f"{campaign.id}-0").fields
    assert not names
    assert not {name for name in fields if name.startswith(("cap", "count"))}


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
