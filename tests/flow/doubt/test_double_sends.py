"""A request in doubt was sent again, and then the first one turns up: said loudly, and nothing more goes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit
from campaigns.campaign import Campaign
from campaigns.flow.doubt.reconcile import reconcile_batch
from campaigns.flow.operator.resolve import resume_account
from campaigns.flow.outcome import Verdict, accepted
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.flow.sending.later_optouts import exclude_later
from campaigns.ledger import Claim, ToCheck
from campaigns.store.commands import Redis
from tests.support import claims
from tests.support.claims import lose_what_is_due, record
from tests.support.doubt import in_doubt, send_younger
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def resent(stage: Stage) -> Campaign:
    """A campaign that a person sent again, although its first request had arrived: the listing hid it."""
    stage.sandbox.change(list_bulk=False)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3)))
    stage.until(lambda: campaign.status().recipients["held"] == 3)
    campaign.resolve("resend", by="ann", why="not in the cabinet")
    return campaign


def double_sends(stage: Stage, campaign: Campaign) -> list[dict[str, Any]]:
    return [e.data for e in stage.events(campaign) if e.type == "batch.double_send_detected"]


class TestWatching:
    """The listing shows more than was sent on purpose."""

    @pytest.mark.clear_listing
    def test_a_late_first_request(self, stage: Stage) -> None:
        campaign = resent(stage)
        stage.until(lambda: campaign.status().sent == 3)
        stage.sandbox.change(list_bulk=True)
        stage.until(lambda: bool(double_sends(stage, campaign)))
        status = campaign.status()
        assert status.double_sends == 3
        assert status.balanced
        (double_send,) = double_sends(stage, campaign)
        assert (double_send["recipients"], double_send["attempt"]) == (3, 2)
        assert "was sent twice" in stage.services.limiter.pause_of("default")[1]  # type: ignore[index]

    @pytest.mark.clear_listing
    def test_it_is_said_once(self, stage: Stage) -> None:
        campaign = resent(stage)
        stage.until(lambda: campaign.status().sent == 3)
        stage.sandbox.change(list_bulk=True)
        stage.until(lambda: bool(double_sends(stage, campaign)))
        stage.services.limiter.resume("default")
        for _ in range(3):
            reconcile_batch(stage.services, f"{campaign.id}-0")
        assert len(double_sends(stage, campaign)) == 1
        assert stage.services.limiter.pause_of("default") is None

    @pytest.mark.clear_listing
    def test_what_was_sent_once_is_no_double_send(self, stage: Stage) -> None:
        """The proof was right: the watch ends by itself, and says nothing."""
        campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), on_unknown="resend"))
        send_younger(stage)
        stage.finish(campaign)
        batch_id = f"{campaign.id}-0"
        for _ in range(10):
            reconcile_batch(stage.services, batch_id)
        assert double_sends(stage, campaign) == []
        assert stage.services.batches.read(batch_id).number("watched") == 6
        stage.sweep()
        assert b"reconcile|" + batch_id.encode() not in stage.services.store.ask(
            Redis.zrange, stage.services.store.keys.due("poll", "default"), 0, -1
        )

    @pytest.mark.clear_listing
    def test_sweeping_keeps_the_watch(self, stage: Stage) -> None:
        campaign = resent(stage)
        stage.until(lambda: campaign.status().sent == 3)
        stage.sandbox.change(list_bulk=True)
        lose_what_is_due(stage.services.store)
        stage.sweep()
        stage.until(lambda: bool(double_sends(stage, campaign)))


class TestAcceptedLate:
    """A worker that was given up comes back with the gateway's yes."""

    def overtaken(self, stage: Stage) -> tuple[Campaign, Claim, Verdict]:
        """The claim of a worker whose lease ended, and the yes that it holds in its hands."""
        campaign = stage.enqueue(bulk_job(phones(3)))
        claim = claims.claim(stage.services, f"{campaign.id}-0")
        assert isinstance(claim, Claim)
        declare_unknown(stage.services, claim.batch)
        verdict = accepted(
            claim.batch, claim.now_ms, stage.services.settings, uuid="0" * 8 + "-0000-4000-8000-" + "0" * 12
        )
        return campaign, claim, verdict

    def late(self, stage: Stage, claim: Claim, verdict: Verdict) -> bool:
        return record(stage.services, claim, Permit("default", "late"), verdict)

    def test_before_it_was_sent_again(self, stage: Stage) -> None:
        """Planned again, but not claimed yet: the yes stands, and nothing is sent twice."""
        campaign, claim, verdict = self.overtaken(stage)
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        campaign.resolve("resend", by="ann", why="?")
        assert self.late(stage, claim, verdict)
        assert campaign.status().sent == 3
        stage.step()
        assert stage.sandbox.ledger() == []
        assert "batch.double_send_detected" not in stage.event_types(campaign)

    @pytest.mark.parametrize("decision", ["write-off", "sent"])
    def test_after_a_person_decided(self, stage: Stage, decision: str) -> None:
        campaign, claim, verdict = self.overtaken(stage)
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        campaign.resolve(decision, by="ann", why="?")
        self.late(stage, claim, verdict)
        status = campaign.status()
        assert (status.sent, status.balanced, status.double_sends) == (3, True, 0)

    def test_after_the_campaign_was_cancelled(self, stage: Stage) -> None:
        """It was planned again, cancelled, and had gone out after all: double_send, not denied."""
        campaign, claim, verdict = self.overtaken(stage)
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        campaign.resolve("resend", by="ann", why="?")
        campaign.cancel()
        assert campaign.status().recipients["cancelled"] == 3
        assert self.late(stage, claim, verdict)
        assert campaign.status().sent == 3
        assert campaign.status().balanced

    @pytest.mark.parametrize("opted_out", [1, 3])
    def test_after_some_or_all_opted_out(self, make_stage: Callable[..., Stage], opted_out: int) -> None:
        """They count as opted out although they got it; the others are followed, and the recipients add up."""
        stage = make_stage(poll_horizon_s=0.5)
        campaign, claim, verdict = self.overtaken(stage)
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        stage.services.optouts.add(phones(opted_out))
        campaign.resolve("resend", by="ann", why="?")
        batch_id = f"{campaign.id}-0"
        outdated = claims.claim(stage.services, batch_id)
        assert isinstance(outdated, ToCheck)
        exclude_later(stage.services, batch_id, outdated.outdated)
        assert self.late(stage, claim, verdict)
        stage.finish(campaign)
        recipients = campaign.status().recipients
        assert (recipients["opted_out"], recipients["settled"]) == (opted_out, 3 - opted_out)

    def test_after_it_was_sent_again(self, stage: Stage) -> None:
        campaign, claim, verdict = self.overtaken(stage)
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        campaign.resolve("resend", by="ann", why="?")
        stage.until(lambda: campaign.status().sent == 3)
        assert not self.late(stage, claim, verdict)
        assert campaign.status().double_sends == 3
        (double_send,) = double_sends(stage, campaign)
        assert double_send["earlier_attempt"] == 1
        assert stage.services.limiter.pause_of("default") is not None

    def test_the_pause_holds_back_what_is_planned(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(poll_horizon_s=60.0)
        campaign, claim, verdict = self.overtaken(stage)
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        campaign.resolve("resend", by="ann", why="?")
        stage.until(lambda: campaign.status().sent == 3)
        self.late(stage, claim, verdict)
        sent = len(stage.sandbox.ledger())
        waiting = stage.enqueue(bulk_job(phones(2, start=80), text="waiting"))
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            stage.step()
        assert len(stage.sandbox.ledger()) == sent
        assert waiting.status().recipients["planned"] == 2
        resume_account(stage.services, "default", "ann")
        stage.until(lambda: waiting.status().sent == 2)
