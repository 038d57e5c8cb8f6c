"""A callback shows that an earlier request arrived: what was planned or sent again since then is not sent twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.flow.tracking.callbacks import _signature, callback_url, take_callback
from campaigns.gateway import Gateway
from campaigns.names import POLL
from tests.support.claims import send
from tests.support.doubt import ask_through, most_copies, run_to_its_end, send_known, send_younger
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

HOST = "http://127.0.0.1:9"


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """A stage whose gateway is asked to call back, and whose pauses are short."""
    return make_stage(callback_base_url=f"{HOST}/viber", penalty_s=0.3)


def callback_path(stage: Stage, batch_id: str) -> str:
    """Where the gateway calls back about the present attempt of a batch."""
    url = callback_url(stage.services, stage.services.batches.read(batch_id), None)
    assert url is not None
    return url.removeprefix(HOST)


def planned_again(stage: Stage) -> tuple[str, str]:
    """A batch that arrived in doubt and that a person planned again; the path for callbacks about its first attempt."""
    stage.sandbox.change(list_bulk=False)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3)))
    batch_id = f"{campaign.id}-0"
    stage.until(lambda: campaign.status().recipients["held"] == 3)
    first = callback_path(stage, batch_id)
    campaign.resolve("resend", by="ann", why="?")
    return batch_id, first


def test_while_the_batch_waits_after_a_429(stage: Stage) -> None:
    batch_id, first = planned_again(stage)
    stage.sandbox.fault("too_many", "sendBulkViber")
    send(stage.services, batch_id)
    batch = stage.services.batches.read(batch_id)
    assert (batch.state, batch.attempt) == ("planned", 2)
    assert take_callback(stage.services, first, b"")
    stage.step_for(2.5)
    assert most_copies(stage) == 1


@pytest.mark.clear_listing
def test_while_the_second_attempt_is_in_doubt(stage: Stage) -> None:
    send_known(stage)
    stage.sandbox.fault("reset_after", "sendBulkViber")

    class Hiding(Gateway):
        """Does not list the mailing in doubt."""

        def get_viber_messages(self, **options: Any) -> Any:
            return [listed for listed in super().get_viber_messages(**options) if listed.message != "hello"]

    ask_through(stage, Hiding)
    campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
    batch_id = f"{campaign.id}-0"
    stage.sandbox.fault("reset_before", "sendBulkViber")
    stage.until(lambda: stage.services.batches.read(batch_id).state == "unknown")
    first = callback_path(stage, batch_id)
    stage.sandbox.clear_faults()
    send_younger(stage)
    stage.sandbox.fault("reset_before", "sendBulkViber")

    def is_in_doubt_again() -> bool:
        batch = stage.services.batches.read(batch_id)
        return batch.attempt == 2 and batch.state == "unknown"

    stage.until(is_in_doubt_again)
    assert len([row for row in stage.sandbox.ledger() if row["text"] == "hello"]) == 3
    assert take_callback(stage.services, first, b"")
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1


def test_the_receiver_is_killed_after_it_recorded_the_callback(stage: Stage) -> None:
    """kill -9 before the batch is moved: the next claim finds the callback."""
    batch_id, _ = planned_again(stage)
    keys = stage.services.store.keys
    stage.services.store.run(
        "record_callback", [keys.batch(batch_id), keys.due(POLL), keys.accounts(POLL)], [batch_id, 1, "", 100]
    )
    stage.step_for(1.5)
    assert most_copies(stage) == 1


def test_about_a_claim_that_the_store_lost(stage: Stage) -> None:
    """The store lacks its last second: the batch is planned at attempt 0, and the callback is about attempt 1."""
    campaign = stage.enqueue(bulk_job(phones(3)))
    batch_id = f"{campaign.id}-0"
    body = stage.services.batches.body(batch_id)
    assert body is not None
    stage.services.gateway("default").send_bulk_viber(body)  # by the claim that was lost
    assert take_callback(stage.services, f"/viber/{batch_id}.1.{_signature(stage.services, batch_id, 1)}", b"")
    stage.step_for(1.0)
    assert most_copies(stage) == 1
