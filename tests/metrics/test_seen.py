"""What stands in the store at the moment of a scrape."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from campaigns.flow.dispatch import dispatch
from campaigns.flow.heartbeats import consuming
from campaigns.gateway.limiter import Limiter, Permit
from campaigns.gateway.pauses import CAUSES
from campaigns.results import Consumer
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


def test_failures(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(failures_before_pause=2)
    limiter = stage.services.limiter
    for failures in (1, 2):
        permit = limiter.acquire("default")
        assert isinstance(permit, Permit)
        limiter.release(permit, used=True, outcome="failed")
        scraped = scrape(stage.services)
        assert value(scraped, "account_failures_in_a_row") == failures
        assert value(scraped, "account_paused", cause="failures") == (failures == 2)


def test_groups_and_the_stream(stage: Stage) -> None:
    """How far each group is, what it put aside, and how full the stream is."""
    campaign = stage.enqueue(bulk_job(phones(1)))
    consumer = Consumer(stage.services.store, "crm", max_deliveries=1, claim_idle_ms=1)
    consumer.create_group()
    # One is taken, and nobody acknowledges it.
    next(consumer.events(idle_s=0.05))
    behind = scrape(stage.services)
    assert value(behind, "group_lag_seconds", group="crm") > 0
    assert value(behind, "group_pending", group="crm") >= 1
    assert value(behind, "events_entries") == len(stage.events(campaign))
    assert value(behind, "events_cap") == stage.services.settings.events_cap
    assert value(behind, "events_full") == value(behind, "group_dead_letters", group="crm") == 0
    store = stage.services.store
    store.ask("xadd", store.keys.dead_letters("crm"), {"reason": "for this test"})
    store.ask("hset", store.keys.stream(), "full_ms", 5)
    full = scrape(stage.services)
    assert value(full, "events_full") == value(full, "group_dead_letters", group="crm") == 1


def test_the_server(stage: Stage, make_stage: Callable[..., Stage]) -> None:
    """The project's own server writes everything at once and evicts nothing; it has no replica."""
    checks = ("eviction", "persistence", "replicas")
    scraped = scrape(stage.services)
    assert {check: value(scraped, "store_policy_ok", check=check) for check in checks} == dict.fromkeys(checks, 1)
    lacking = scrape(make_stage(replicas=1).services)
    assert value(lacking, "store_replicas_wanted") == 1
    assert value(lacking, "store_replicas") == value(lacking, "store_policy_ok", check="replicas") == 0
