"""The correlation id of a job: found again in its status, its events and its log lines, and no part of what it is."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.consume import consume
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError, KeyConflictError
from campaigns.store.commands import Redis
from campaigns.submission import submit
from tests.support.events import check_event
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736 order 7/a"


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(bulk_job(phones(3)), id="bulk"),
        pytest.param(quick_job(*phones(1)), id="quick"),
        # A gateway that masks phones names nobody of a list, so nothing of theirs changes.
        pytest.param(list_job(1), id="list", marks=pytest.mark.clear_listing),
    ],
)
def test_status_and_every_event_carry_it(stage: Stage, job: dict[str, Any]) -> None:
    campaign = stage.enqueue({**job, "correlation_id": TRACE})
    stage.finish(campaign)
    assert campaign.status().correlation_id == TRACE
    assert campaign.status().as_dict()["correlation_id"] == TRACE
    events = stage.events(campaign)
    assert {"campaign.ready", "batch.sending", "batch.accepted", "deliveries.changed", "campaign.finished"} <= {
        event.type for event in events
    }
    assert {event.correlation_id for event in events} == {TRACE}
    for event in events:
        check_event(event)


def test_a_consumer_gets_it_with_each_change(stage: Stage) -> None:
    stage.finish(stage.enqueue(bulk_job(phones(2), correlation_id=TRACE)))
    got = list(consume("crm", idle_s=0.01, settings=stage.services.settings))
    assert {event.correlation_id for event in got if event.type == "delivery.changed"} == {TRACE}
    assert {event.as_dict()["correlation_id"] for event in got} == {TRACE}


def test_events_of_a_job_without_one_are_as_they_were(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(1)))
    stage.finish(campaign)
    assert campaign.status().correlation_id == ""
    assert {event.correlation_id for event in stage.events(campaign)} == {""}
    for _, fields in stage.services.store.ask(Redis.xrange, stage.services.store.keys.events(), "-", "+", 100):
        assert b"correlationid" not in fields


def test_log_lines_about_its_batches_carry_it(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "campaigns")
    stage.sandbox.fault("too_many", "sendBulkViber", retry_after="1")
    stage.finish(stage.enqueue(bulk_job(phones(1), correlation_id=TRACE)))
    records = [record for record in caplog.records if record.message in {"request_failed", "batch_moved"}]
    assert {record.message for record in records} == {"request_failed", "batch_moved"}
    assert {vars(record)["correlation_id"] for record in records} == {TRACE}


def test_the_same_job_with_another_is_the_same_job(stage: Stage) -> None:
    """It is the caller's, as a retry has a new one: the campaign keeps the first."""
    job = quick_job(*phones(1))
    first = stage.enqueue({**job, "correlation_id": "first"}, key="order-7")
    assert stage.enqueue({**job, "correlation_id": "second"}, key="order-7") == first
    assert stage.enqueue(job, key="order-7") == first
    assert first.status().correlation_id == "first"
    with pytest.raises(KeyConflictError):
        stage.enqueue({**job, "message": "another", "correlation_id": "first"}, key="order-7")


def test_each_of_many_has_its_own(stage: Stage) -> None:
    jobs = [quick_job(phone, correlation_id=f"order {n}") for n, phone in enumerate(phones(3))]
    found = enqueue_many(stage.services, jobs)
    assert [one.campaign.status().correlation_id for one in found if one.campaign] == ["order 0", "order 1", "order 2"]


def test_a_submitted_job_has_it_also_if_it_is_invalid(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    def submitted(job: Any, message_id: str) -> Campaign:
        found = submit(stage.services, job, key=None, strict=False, message_id=message_id)
        return Campaign.of(stage.services, found)

    assert submitted(quick_job(*phones(1), correlation_id=TRACE), "m-1").status().correlation_id == TRACE
    invalid = submitted({"kind": "quick", "correlation_id": TRACE}, "m-2")
    assert (invalid.status().state, invalid.status().correlation_id) == ("invalid", TRACE)
    assert [event.correlation_id for event in stage.events(invalid)] == [TRACE]
    assert [vars(record)["correlation_id"] for record in caplog.records if record.message == "job_invalid"] == [TRACE]
    unfit = submitted({"kind": "quick", "correlation_id": "two\nlines"}, "m-3")
    assert (unfit.status().state, unfit.status().correlation_id) == ("invalid", "")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x" * 129, "longer than 128 characters"),
        (" ", "must not be empty"),
        ("two\nlines", "holds a control character or another invisible one"),
        ("txt\u202eexe", "holds a control character or another invisible one"),
        (7, "must be text"),
        (["x"], "must be text"),
    ],
)
def test_what_is_no_correlation_id_is_refused(stage: Stage, value: object, problem: str) -> None:
    with pytest.raises(JobError) as caught:
        stage.enqueue(quick_job(*phones(1), correlation_id=value))
    assert caught.value.lines == [f"correlation_id: {problem}"]


def test_none_is_as_if_it_were_not_there(stage: Stage) -> None:
    assert stage.enqueue(quick_job(*phones(1), correlation_id=None)).status().correlation_id == ""
