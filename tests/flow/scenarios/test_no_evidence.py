"""Evidence that is late, that cannot be had, or that belongs to another request decides nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit
from campaigns.errors import GatewayError, NotSentError, OutcomeUnknownError
from campaigns.flow.doubt.double_sends import watch
from campaigns.flow.doubt.reconcile import reconcile_batch
from campaigns.flow.outcome import refused
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.gateway import Gateway
from campaigns.ledger import Claim
from campaigns.store.commands import Redis
from tests.support.claims import claimed, record, send
from tests.support.doubt import (
    ask_through,
    in_doubt,
    lose_answer,
    most_copies,
    run_to_its_end,
    send_known,
    send_younger,
)
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job
from tests.support.stage import Stage


def test_a_worker_freezes_between_its_check_and_its_decision(make_stage: Callable[..., Stage]) -> None:
    """Evidence shows within the settle window, as set; a worker freezes with an early listing in its hands."""
    stage = make_stage(settle_window_s=2.0, check_interval_s=0.2)
    send_known(stage)
    time.sleep(1.1)
    stage.sandbox.change(listing_delay_s=1.0)
    listings = []

    class Freezing(Gateway):
        def get_viber_messages(self, **options: Any) -> Any:
            rows = super().get_viber_messages(**options)
            listings.append(rows)
            if len(listings) == 2:
                time.sleep(2.2)
            return rows

    ask_through(stage, Freezing)
    lose_answer(stage, bulk_job(phones(3), on_unknown="resend"))
    assert most_copies(stage) == 1


def test_body_expired_in_doubt(stage: Stage) -> None:
    """Nothing can be compared any more, so nothing is proven: held, not 'rejected, certainly not sent'."""
    send_known(stage)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
    stage.until(lambda: campaign.status().recipients["unknown"] == 3)
    stage.services.store.ask(Redis.delete, stage.services.store.keys.body(f"{campaign.id}-0"))
    run_to_its_end(stage, campaign)
    recipients = campaign.status().recipients
    assert (recipients["rejected"], recipients["held"]) == (0, 3)


def test_listing_refused_for_good(stage: Stage) -> None:
    """An account that may not list: the doubt must come to a person at some time."""
    stage.sandbox.fault("refuse", "getViberMessages", times=None)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3)))
    stage.until(lambda: campaign.status().recipients["held"] == 3, 8)


def test_a_list_mailing_that_cannot_be_read_any_more(stage: Stage) -> None:
    stage.sandbox.fault("reset_after", "confirmViberMessage")
    campaign = stage.enqueue(list_job(1))

    class Gone(Gateway):
        def confirm_viber_message(self, *args: Any, **options: Any) -> None:
            try:
                super().confirm_viber_message(*args, **options)
            finally:
                stage.sandbox.fault("refuse", "getViberMessageData", times=None)

    ask_through(stage, Gone)
    stage.until(lambda: campaign.status().recipients["held"] == 4, 8)


@pytest.mark.clear_listing
def test_a_check_for_an_earlier_attempt_proves_nothing_about_the_next(stage: Stage) -> None:
    """Each attempt needs two complete checks of its own."""
    send_known(stage)
    campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
    services, batch_id = stage.services, f"{campaign.id}-0"

    def end(claim: Claim, permit: str, error: GatewayError) -> None:
        verdict = refused(error, claim.batch, services.settings, 0.0)
        record(services, claim, Permit("default", permit), verdict)

    claim = claimed(services, batch_id)
    declare_unknown(services, claim.batch)
    send_younger(stage)
    reconcile_batch(services, batch_id)
    assert services.batches.read(batch_id).number("checks") == 1
    end(claim, "x", NotSentError("m", "guard"))
    assert services.batches.read(batch_id).state == "planned"
    end(claimed(services, batch_id), "y", OutcomeUnknownError("m", "cut"))
    time.sleep(0.7)
    reconcile_batch(services, batch_id)  # the first check of this attempt
    assert services.batches.read(batch_id).state == "unknown"


@pytest.mark.parametrize("other", ["bulk", "quick"])
def test_another_mailing_is_no_evidence_for_a_personal_one(stage: Stage, other: str) -> None:
    """Both requests are in doubt, and only the other one arrived. Each goes to the same phone, with a plain text."""
    send_known(stage)
    stage.finish(stage.enqueue(quick_job(phones(1, start=60)[0], message="known quick")))
    (phone,) = phones(1)
    stage.sandbox.fault("reset_before", "sendBulkViber")
    personal = stage.enqueue(personal_job([{"phone": phone, "text": "for you"}], on_unknown="resend"))
    send(stage.services, f"{personal.id}-0")
    if other == "bulk":
        stage.sandbox.fault("reset_after", "sendBulkViber")
        campaign = stage.enqueue(bulk_job([phone], text="for all", on_unknown="resend"))
    else:
        stage.sandbox.fault("reset_after", "sendQuickViberMessage")
        campaign = stage.enqueue(quick_job(phone, message="for all", on_unknown="resend"))
    stage.until(lambda: all(one.status().state == "finished" for one in (personal, campaign)))
    copies = Counter(row["text"] for row in stage.sandbox.ledger())
    assert copies["for all"] == 1, "the other was sent twice"
    assert copies["for you"] == 1 or not personal.status().sent, "the personal one was lost"


@pytest.mark.clear_listing
def test_a_lookalike_goes_out_while_double_sends_are_checked(stage: Stage) -> None:
    """An identical campaign goes out between the check for lookalikes and the listing: no double send is reported."""
    send_known(stage)
    campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), on_unknown="resend"))
    send_younger(stage)
    batch_id = f"{campaign.id}-0"
    stage.until(lambda: len(stage.services.batches.read(batch_id).message_ids) == 1)
    assert "resent_ms" in stage.services.batches.read(batch_id).fields
    lookalike = stage.enqueue(bulk_job(phones(3)))
    services = stage.services

    class SendsMeanwhile(Gateway):
        def get_viber_messages(self, **options: Any) -> Any:
            send(services, f"{lookalike.id}-0")
            return super().get_viber_messages(**options)

    ask_through(stage, SendsMeanwhile)
    watch(stage.services, stage.services.batches.read(batch_id))
    assert campaign.status().double_sends == 0
    assert stage.services.limiter.pause_of("default") is None


def test_the_late_mailing_of_a_batch_that_was_written_off(stage: Stage) -> None:
    """It is no evidence for the same campaign sent again, whose own request never arrived."""
    send_known(stage)
    stage.sandbox.change(list_bulk=False)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    first = stage.enqueue(bulk_job(phones(3)))
    stage.until(lambda: first.status().recipients["held"] == 3)
    first.resolve("write-off", by="operator", why="nobody knows")
    stage.sandbox.change(list_bulk=True)
    stage.sandbox.fault("reset_before", "sendBulkViber")
    again = stage.enqueue(bulk_job(phones(3)))
    run_to_its_end(stage, again)
    assert again.status().recipients["held"] == 3
