"""The frequency cap: only what may have gone out counts, and a count is taken back where nothing did."""

from __future__ import annotations

from collections import Counter

import pytest

from campaigns.errors import ErasureBlockedError
from campaigns.flow.sending.later_optouts import exclude_later
from campaigns.jobs.caps import Cap
from campaigns.ledger import Claim, Move, ToCheck
from campaigns.person import erase
from campaigns.send_test import send_test
from campaigns.store.commands import Redis
from campaigns.times.days import day_of
from tests.flow.sending.conftest import MakeStage, sent
from tests.support.doubt import send_younger
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage


def counted(stage: Stage, number: int, account: str = "") -> list[bool]:
    """For each of the first phones, whether a message of it counts today."""
    services = stage.services
    day = day_of(services.now_ms(), services.settings.gateway_timezone).number
    checker = services.counts.checker(Cap.read(f"{account}|1/7"), day)
    return list(checker(phones(number))) or [False] * number


def claimed_after_check(stage: Stage, batch_id: str) -> Claim:
    """The claim of a batch whose messages are counted first."""
    taken = stage.claim(batch_id)
    assert isinstance(taken, ToCheck)
    exclude_later(stage.services, batch_id, taken.outdated)
    claim = stage.claim(batch_id)
    assert isinstance(claim, Claim)
    return claim


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
