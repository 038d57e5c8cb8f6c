"""What stands in the store at the moment of a scrape."""

from __future__ import annotations

import pytest

from campaigns.flow.dispatch import dispatch
from campaigns.flow.heartbeats import consuming
from campaigns.gateway.limiter import Limiter, Permit
from campaigns.gateway.pauses import CAUSES
from tests.support.jobs import bulk_job, phones
from tests.support.metrics import scrape, value
from tests.support.stage import Stage


def test_queues(stage: Stage) -> None:
    empty = scrape(stage.services)
    assert value(empty, "queue_due", queue="bulk") == value(empty, "queue_oldest_due_seconds", queue="bulk") == 0
    assert value(empty, "queue_consumed") == 0
    assert value(empty, "beats") == value(empty, "beat_last_tick_timestamp_seconds") == 0
    stage.enqueue(bulk_job(phones(2)))
    consuming(stage.services.store, ["bulk"])
    dispatch(stage.services, "a beat")
    due = scrape(stage.services)
    assert value(due, "queue_due", queue="bulk") == 1
    assert 0 < value(due, "queue_oldest_due_seconds", queue="bulk") < 60
    assert value(due, "queue_consumed", queue="bulk") == value(due, "queue_consumed") == 1
    assert value(due, "bells", queue="bulk") == 1
    assert value(due, "beats") == 1
    now_s = stage.services.now_ms() / 1000
    assert value(due, "beat_last_tick_timestamp_seconds") == pytest.approx(now_s, abs=30)
    assert value(due, "batches", state="planned") == 1
    assert value(due, "recipients_open", state="planned", kind="bulk") == 2
    assert 0 < value(due, "batches_oldest_seconds", state="planned") < 60


def test_permits_and_pauses(stage: Stage) -> None:
    limiter: Limiter = stage.services.limiter
    held = limiter.acquire("default")
    assert isinstance(held, Permit)
    limiter.rest("default", 600, "refused: Insufficient funds", paid_only=True, cause="refused")
    limiter.rest("default", 900, "too many requests", cause="too_many")
    scraped = scrape(stage.services)
    assert value(scraped, "limiter_in_flight", account="default") == 1
    assert value(scraped, "limiter_limit") == stage.services.settings.concurrency
    paused = {cause: value(scraped, "account_paused", account="default", cause=cause) for cause in CAUSES}
    assert paused == {cause: cause in {"refused", "too_many"} for cause in CAUSES}
    until_s = value(scraped, "account_pause_until_timestamp_seconds")
    assert until_s == pytest.approx(stage.services.now_ms() / 1000 + 900, abs=60)
    limiter.wake("default")
    limiter.release(held, used=True)
    awake = scrape(stage.services)
    assert value(awake, "account_paused") == value(awake, "account_pause_until_timestamp_seconds") == 0
    assert value(awake, "limiter_in_flight") == 0


def test_failures(make_stage: type[Stage]) -> None:
    stage = make_stage(failures_before_pause=2)  # type: ignore[call-arg]
    limiter = stage.services.limiter
    for failures in (1, 2):
        permit = limiter.acquire("default")
        assert isinstance(permit, Permit)
        limiter.release(permit, used=True, outcome="failed")
        scraped = scrape(stage.services)
        assert value(scraped, "account_failures_in_a_row") == failures
        assert value(scraped, "account_paused", cause="failures") == (failures == 2)
