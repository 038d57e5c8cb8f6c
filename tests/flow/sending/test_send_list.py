"""Paying for a mailing to a list: decided by its own state, never twice, and not after it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.gateway import Gateway
from campaigns.statuses import confirmed
from tests.support.claims import send
from tests.support.doubt import ask_through, in_doubt
from tests.support.jobs import list_job
from tests.support.stage import Stage


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(settle_window_s=0.3, check_interval_s=0.1)


def confirming(stage: Stage, fault: str, **more: Any) -> Campaign:
    return in_doubt(stage, fault, list_job(1, **more), "confirmViberMessage")


def another(stage: Stage) -> None:
    """A list mailing that is known to be confirmed, and whose word says so."""
    stage.finish(stage.enqueue(list_job(2, message="another")))


def confirmations(stage: Stage) -> int:
    """Recipients of the list in question whom the gateway messaged."""
    return sum(row["text"] == "list hello" for row in stage.sandbox.ledger())


def says(word: str) -> type[Gateway]:
    """A gateway whose drafts have this status from the second read on."""

    class Says(Gateway):
        reads = 0

        def get_viber_message_data(self, message_id: int) -> Any:
            Says.reads += 1
            data = super().get_viber_message_data(message_id)
            return data._replace(status=word) if Says.reads > 1 and data.status.upper() == "NEW" else data

    return Says


@pytest.mark.parametrize("fault", ["reset_after", "error_500_after"])
@pytest.mark.clear_listing
def test_a_lost_answer_is_found_in_the_state(stage: Stage, fault: str) -> None:
    stage.sandbox.fault(fault, "confirmViberMessage")
    campaign = stage.enqueue(list_job(1))
    stage.finish(campaign)
    assert campaign.status().statuses == {"READ": 4}
    assert confirmations(stage) == 4


@pytest.mark.parametrize("fault", ["reset_before", "error_500_before"])
@pytest.mark.parametrize(("policy", "sent"), [("resend", 4), ("hold", 0)])
def test_what_was_not_confirmed_goes_by_the_policy(stage: Stage, fault: str, policy: str, sent: int) -> None:
    another(stage)
    campaign = confirming(stage, fault, on_unknown=policy)
    stage.finish(campaign)
    assert (campaign.status().sent, campaign.status().recipients["held"]) == (sent, 4 - sent)
    assert confirmations(stage) == sent


def test_a_word_that_never_changes_proves_nothing(stage: Stage) -> None:
    """It was confirmed, and the gateway shows the same word as before: not confirmed again."""

    class Unchanging(Gateway):
        def get_viber_message_data(self, message_id: int) -> Any:
            return super().get_viber_message_data(message_id)._replace(status="NEW")

    ask_through(stage, Unchanging)
    another(stage)
    campaign = confirming(stage, "reset_after", on_unknown="resend")
    stage.finish(campaign)
    assert campaign.status().recipients["held"] == 4
    assert confirmations(stage) == 4


@pytest.mark.parametrize("word", ["MODERATION", "moderated", "EXPIRED", "", "SCHEDULED"])
@pytest.mark.parametrize("fault", ["reset_before", "error_500_before"])
def test_another_word_of_a_draft_is_no_confirmation(stage: Stage, word: str, fault: str) -> None:
    """It was never confirmed, and is moderated or expires meanwhile: neither accepted nor confirmed again."""
    another(stage)
    ask_through(stage, says(word))
    campaign = confirming(stage, fault, on_unknown="resend")
    stage.finish(campaign)
    assert campaign.status().recipients["held"] == 4
    assert confirmations(stage) == 0


def test_a_moderated_draft_that_was_refused_payment_is_tried_again(stage: Stage) -> None:
    """The first request for payment was turned away for good reason; that its word moved on says nothing."""
    ask_through(stage, says("MODERATED"))
    stage.sandbox.fault("too_many", "confirmViberMessage", retry_after="1")
    campaign = stage.enqueue(list_job(1))
    stage.until(lambda: campaign.status().sent == 4)
    assert confirmations(stage) == 4


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [("NEW", "sent", True), ("new", "CONFIRMED", True), ("SENT", "SENT", False), ("SENT", "READ", False)]
    + [("NEW", word, False) for word in ("NEW", "", "MODERATION", "EXPIRED", "REJECTED", "DRAFT")],
)
def test_which_words_follow_a_confirmation(before: str, now: str, *, expected: bool) -> None:
    assert confirmed(before, now) is expected


class Between(Gateway):
    """A person acts between the creation and the confirmation."""

    act: Callable[[], object]

    def get_viber_message_data(self, message_id: int) -> Any:
        data = super().get_viber_message_data(message_id)
        Between.act()
        Between.act = lambda: None
        return data


def test_cancelled_before_it_is_confirmed(stage: Stage) -> None:
    ask_through(stage, Between)
    campaign = stage.enqueue(list_job(1))
    Between.act = campaign.cancel
    stage.finish(campaign)
    status = campaign.status()
    assert (status.state, status.recipients["cancelled"], status.sent) == ("cancelled", 4, 0)
    assert "confirmViberMessage" not in stage.sandbox.summary()["requests"]


def test_paused_before_it_is_confirmed(stage: Stage) -> None:
    ask_through(stage, Between)
    campaign = stage.enqueue(list_job(1))
    Between.act = campaign.pause
    send(stage.services, f"{campaign.id}-0")
    assert campaign.status().recipients["planned"] == 4
    assert confirmations(stage) == 0
    campaign.resume()
    stage.finish(campaign)
    assert confirmations(stage) == 4


def test_died_before_it_was_confirmed(stage: Stage) -> None:
    """The draft was made and nothing paid: the next attempt pays for it, without asking anybody."""

    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    ask_through(stage, Between)
    campaign = stage.enqueue(list_job(1))
    Between.act = die
    with pytest.raises(Died):
        send(stage.services, f"{campaign.id}-0")
    Between.act = lambda: None
    batch = stage.services.batches.read(f"{campaign.id}-0")
    assert (batch.state, "confirming" in batch.fields) == ("sending", False)
    assert declare_unknown(stage.services, batch)
    stage.finish(campaign)
    assert confirmations(stage) == 4
