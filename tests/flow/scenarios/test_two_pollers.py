"""Two workers poll one batch at once: what one of them writes neither hides nor undoes what the other one found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from campaigns.answers.rows import BulkRefusal, DeliveryRows
from campaigns.campaign import Campaign
from campaigns.errors import OutcomeUnknownError
from campaigns.gateway import Gateway
from tests.support.claims import send
from tests.support.doubt import ask_through, run_to_its_end
from tests.support.jobs import bulk_job, phones
from tests.support.reads import Read, poll_batch
from tests.support.stage import Stage


class Down(Gateway):
    """Answers no poll."""

    def status_bulk_viber(self, uuid: str) -> Any:
        raise OutcomeUnknownError("statusBulkViber", "down")


def poll_twice_past_the_horizon(stage: Stage, campaign: Campaign) -> None:
    """One worker holds an answer in which all is delivered while another, which gets none, gives the batch up."""
    services, batch_id = stage.services, f"{campaign.id}-0"

    class Delivered(Gateway):
        def status_bulk_viber(self, uuid: str) -> Any:
            data = super().status_bulk_viber(uuid).data
            rows = DeliveryRows.of(row._replace(status="DELIVERED") for found in data.mailings for row in found.rows)
            down = Down(self._transport, self._token, read_attempts=1)
            poll_batch(replace(services, gateway=lambda _: down), batch_id)
            return Read(data._replace(mailings=tuple(found._replace(rows=rows) for found in data.mailings)))

    send(services, batch_id)
    time.sleep(1.1)
    ask_through(stage, Delivered)
    poll_batch(stage.services, batch_id)
    stage.services = services


def test_at_the_horizon(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(poll_horizon_s=1.0, reply_window_s=1.0)
    campaign = stage.enqueue(bulk_job(phones(3)))
    other = stage.enqueue(bulk_job(phones(3, start=30), text="other"))
    poll_twice_past_the_horizon(stage, campaign)
    status = campaign.status()
    assert status.recipients["settled"] == 3
    assert status.final == 3
    run_to_its_end(stage, other)
    stage.until(lambda: campaign.status().state == "finished", 4)
    assert campaign.status().awaiting == 0


def test_at_the_horizon_of_one_batch_while_another_is_open(make_stage: Callable[..., Stage]) -> None:
    """The campaign ends, and its recipients add up."""
    stage = make_stage(poll_horizon_s=1.0, reply_window_s=1.0, recipients_per_request=3)
    campaign = stage.enqueue(bulk_job(phones(6)))
    poll_twice_past_the_horizon(stage, campaign)
    stage.until(lambda: campaign.status().state == "finished", 5)
    assert "campaign.unbalanced" not in stage.event_types(campaign)


def test_one_finds_a_refusal_and_the_other_later_finds_rows(make_stage: Callable[..., Stage]) -> None:
    """The worker that found the refusal freezes before it rejects the mailing, until the other has polled."""
    stage = make_stage(poll_horizon_s=1.5)
    campaign = stage.enqueue(bulk_job(phones(3)))
    services, batch_id = stage.services, f"{campaign.id}-0"
    send(services, batch_id)
    deliveries = services.deliveries

    class PollsFirst:
        """The deliveries of the ledger; a rejection waits for the poll of another worker."""

        def __getattr__(self, name: str) -> Any:
            return getattr(deliveries, name)

        def reject_mailing(self, *args: Any) -> Any:
            poll_batch(services, batch_id)
            return deliveries.reject_mailing(*args)

    class Refusing(Gateway):
        def status_bulk_viber(self, uuid: str) -> Any:
            data = super().status_bulk_viber(uuid).data
            return Read(data._replace(mailings=(), errors=(BulkRefusal("mailing 1: try later"),)))

    time.sleep(0.1)
    ask_through(stage, Refusing)
    stage.services = replace(stage.services, deliveries=PollsFirst())  # type: ignore[arg-type]
    poll_batch(stage.services, batch_id)
    stage.services = services
    stage.until(lambda: campaign.status().state == "finished", 4)
    assert campaign.status().recipients["settled"] == 3
