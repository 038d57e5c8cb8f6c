"""Workers that freeze while they hold something, and go on after others have done the same work: nothing is sent twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit, Wait
from campaigns.campaign import Campaign
from campaigns.errors import OutcomeUnknownError, TooManyRequestsError
from campaigns.flow.operator.resolve import resume_account
from campaigns.flow.outcome import accepted
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.gateway import Gateway
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.support.claims import claimed, record, send
from tests.support.doubt import ask_through, most_copies, run_to_its_end
from tests.support.jobs import bulk_job, list_job, phones
from tests.support.stage import Stage


class TestMailingsToLists:
    """A worker recorded how many people a list reaches, and froze before it recorded the mailing's id."""

    def frozen(self, stage: Stage) -> tuple[Campaign, str, Callable[[], None]]:
        """The campaign, its batch, and what the worker does when it goes on. The batch is in doubt by then."""
        services = stage.services
        campaign = stage.enqueue(list_job(1))
        batch_id = f"{campaign.id}-0"
        claim = claimed(services, batch_id)
        created = services.gateway("default").send_viber_message_list(json.loads(claim.body))
        people = created.count_subscribers
        fields = {"count_subscribers": people}
        assert services.batches.note(claim.batch, fields, state="sending", fence=claim.fence, recipients=people)
        declare_unknown(services, services.batches.read(batch_id))

        def go_on() -> None:
            services.deliveries.record_message_ids(claim.batch, {0: created.message_id}, 100_000)

        return campaign, batch_id, go_on

    def test_while_the_second_confirmation_is_in_doubt(self, stage: Stage) -> None:
        """A second worker creates a mailing and confirms it; the answer is lost, and the mailing cannot be read."""
        campaign, batch_id, go_on = self.frozen(stage)
        confirmations = []

        class LosesTheFirstConfirmation(Gateway):
            def confirm_viber_message(self, *args: Any, **options: Any) -> None:
                super().confirm_viber_message(*args, **options)
                confirmations.append(args)
                if len(confirmations) == 1:
                    stage.sandbox.fault("error_500_before", "getViberMessageData", times=2)
                    raise OutcomeUnknownError("confirmViberMessage", "cut")

        def is_in_doubt_again() -> bool:
            batch = stage.services.batches.read(batch_id)
            return batch.attempt == 2 and batch.state == "unknown"

        ask_through(stage, LosesTheFirstConfirmation)
        stage.until(is_in_doubt_again)
        go_on()
        run_to_its_end(stage, campaign)
        assert len(stage.sandbox.ledger()) == 4
        assert most_copies(stage) == 1

    @pytest.mark.clear_listing
    def test_after_the_second_mailing_was_accepted(self, stage: Stage) -> None:
        campaign, _, go_on = self.frozen(stage)
        stage.until(lambda: campaign.status().sent == 4)
        go_on()
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 4}


class TestAcceptedLate:
    """A worker's request was accepted, and it froze before it recorded that. A person had the batch sent again."""

    def planned_again(self, stage: Stage) -> tuple[Campaign, Callable[[], bool]]:
        """The campaign, and what the worker does when it goes on."""
        campaign = stage.enqueue(bulk_job(phones(3)))
        services = stage.services
        claim = claimed(services, f"{campaign.id}-0")
        assert claim.body is not None
        uuid = services.gateway("default").send_bulk_viber(claim.body)
        verdict = accepted(claim.batch, claim.now_ms, services.settings, uuid=uuid)
        stage.sandbox.change(list_bulk=False)
        declare_unknown(services, claim.batch)
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        campaign.resolve("resend", by="ann", why="?")
        return campaign, lambda: record(services, claim, Permit("default", "late"), verdict)

    def test_after_the_second_request_was_refused(self, stage: Stage) -> None:
        """Refused as a repetition, perhaps: the message did go out, and `campaigns retry` must not send it again."""
        campaign, go_on = self.planned_again(stage)
        stage.sandbox.fault("refuse", "sendBulkViber")
        stage.until(lambda: campaign.status().recipients["rejected"] == 3)
        go_on()
        status = campaign.status()
        assert (status.recipients["rejected"], status.double_sends) == (0, 0)

    def test_while_the_second_request_is_on_its_way(self, make_stage: Callable[..., Stage]) -> None:
        """The second is refused for the moment and would be planned a third time."""
        stage = make_stage(penalty_s=0.2)
        _, go_on = self.planned_again(stage)
        refused = []

        class RefusesTheFirst(Gateway):
            def send_bulk_viber(self, *args: Any, **options: Any) -> Any:
                if not refused:
                    refused.append(go_on())
                    raise TooManyRequestsError("sendBulkViber", "too many", http_status=429, retry_after_s=0.1)
                return super().send_bulk_viber(*args, **options)

        ask_through(stage, RefusesTheFirst)
        stage.until(lambda: bool(refused))
        time.sleep(0.2)
        resume_account(stage.services, "default", "ann")
        stage.step_for(2.0)
        assert most_copies(stage) == 1


def test_a_permit_that_ended_meanwhile(settings: Settings, sandbox: Sandbox, prefix: str) -> None:
    """A worker freezes for a minute between its permit and its claim: it must not send beside the next holder."""
    settings = replace(settings, concurrency=1)
    now_ms, boot_s = 1_800_000_000_000, 0.0
    found: list[Permit | Wait] = []

    def freeze_once() -> float:
        nonlocal now_ms, boot_s
        if not found:
            now_ms, boot_s = now_ms + 60_000, 60.0
            found.append(services.limiter.acquire("default", patience_s=0))
        return boot_s

    stage = Stage(settings, sandbox)
    store = Store(connect(settings), Keys(prefix), now_ms=lambda: now_ms)
    services = replace(build_services(settings, store=store, ring=stage._ring), boot_s=freeze_once)
    stage.services = services
    campaign = stage.enqueue(bulk_job(phones(1)))
    send(services, f"{campaign.id}-0")
    another_holds_it = isinstance(found[0], Permit)
    assert not (another_holds_it and sandbox.ledger()), "two paid requests at once with concurrency 1"
