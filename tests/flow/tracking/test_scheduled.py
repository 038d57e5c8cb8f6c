"""Mailings for later: followed from their own time on, and said to be out of reach once the gateway has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.jobs import bulk_job, list_job, phones
from tests.support.stage import Stage

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)


def now_and_later() -> dict[str, Any]:
    job = bulk_job(phones(2), text="now")
    (later,) = bulk_job(phones(3, start=20), text="later")["messages"]
    job["messages"].append({**later, "name": "later", "schedule_time": LATER.isoformat()})
    return job


def test_a_later_mailing_is_not_given_up_with_an_earlier_one(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(poll_horizon_s=0.5)
    campaign = stage.enqueue(now_and_later())
    stage.until(lambda: campaign.status().recipients["settled"] == 2)
    status = campaign.status()
    assert (status.recipients["accepted"], status.statuses.get("UNKNOWN_FINAL", 0)) == (3, 0)
    batches = [stage.services.batches.read(batch_id) for batch_id in (f"{campaign.id}-0", f"{campaign.id}-1")]
    assert {batch.number("followed_ms") for batch in batches if batch.state == "accepted"} == {
        round(LATER.timestamp() * 1000)
    }


def test_what_waits_at_the_gateway_is_said_to_be_out_of_reach(stage: Stage) -> None:
    campaign = stage.enqueue(now_and_later())
    assert (campaign.status().out_of_reach, campaign.status().scheduled_at) == (0, (LATER,))
    stage.until(lambda: campaign.status().sent == 5)
    campaign.pause()
    status = campaign.cancel()
    assert (status.out_of_reach, status.out_of_reach_until) == (3, LATER)
    plain = status.as_dict()
    assert (plain["scheduled_at"], plain["out_of_reach_until"]) == ([LATER.isoformat()], LATER.isoformat())


def test_nothing_is_out_of_reach_that_was_not_handed_over(stage: Stage) -> None:
    campaign = stage.enqueue(now_and_later())
    assert campaign.cancel().out_of_reach == 0
    assert campaign.status().recipients["cancelled"] == 5


def test_a_list_mailing_for_later(stage: Stage) -> None:
    campaign = stage.enqueue(list_job(1, d_schedule=LATER.isoformat()))
    stage.until(lambda: campaign.status().sent == 4)
    status = campaign.status()
    assert status.out_of_reach == 4
    assert status.out_of_reach_until is not None
    assert status.scheduled_at == (status.out_of_reach_until,)
