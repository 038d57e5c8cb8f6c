"""What stands in the store at the moment of a scrape."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from campaigns.accounts.limiter import Limiter, Permit
from campaigns.accounts.pauses import CAUSES
from campaigns.events import Consumer
from campaigns.flow.scheduling.dispatch import dispatch
from campaigns.health.heartbeats import consuming
from campaigns.ledger import Claim, Move
from campaigns.ledger.states import PLANNED, SENDING
from campaigns.metrics.described import CLOCK_AHEAD, CLOCK_CORRECTION, POLICY
from campaigns.metrics.server import of_server
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import connect
from tests.support.jobs import bulk_job, phones, sample_job
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
    limiter.pause("default", 600, "refused: Insufficient funds", paid_only=True, cause="refused")
    limiter.pause("default", 900, "too many requests", cause="too_many")
    scraped = scrape(stage.services)
    assert value(scraped, "limiter_in_flight", account="default") == 1
    assert value(scraped, "limiter_limit") == stage.services.settings.concurrency
    paused = {cause: value(scraped, "account_paused", account="default", cause=cause) for cause in CAUSES}
    assert paused == {cause: cause in {"refused", "too_many"} for cause in CAUSES}
    until_s = value(scraped, "account_pause_until_timestamp_seconds")
    assert until_s == pytest.approx(stage.services.now_ms() / 1000 + 900, abs=60)
    limiter.resume("default")
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
    # One is taken, and not acknowledged.
    next(consumer.events(idle_s=0.05))
    behind = scrape(stage.services)
    assert value(behind, "group_lag_seconds", group="crm") > 0
    assert value(behind, "group_pending", group="crm") >= 1
    assert value(behind, "events_entries") == len(stage.events(campaign))
    assert value(behind, "events_cap") == stage.services.settings.events_cap
    assert value(behind, "events_full") == value(behind, "group_dead_letters", group="crm") == 0
    store = stage.services.store
    store.ask(Redis.xadd, store.keys.dead_letters("crm"), {"reason": "for this test"})
    store.ask(Redis.hset, store.keys.stream(), "full_ms", 5)
    full = scrape(stage.services)
    assert value(full, "events_full") == value(full, "group_dead_letters", group="crm") == 1


def test_submissions(stage: Stage, make_stage: Callable[..., Stage], prefix: str, free_port: int) -> None:
    """Jobs that came as messages wait in the broker, and the store knows nothing of them."""
    assert value(scrape(stage.services), "submissions_waiting") == 0
    stage.services.store.redis.lpush(f"{prefix}celery:submissions", b"{}", b"{}")
    assert value(scrape(stage.services), "submissions_waiting") == 2
    away = scrape(make_stage(broker_url=f"redis://127.0.0.1:{free_port}/0").services)
    assert ("campaigns_submissions_waiting", frozenset()) not in away
    assert value(away, "up") == 1


def test_the_server(stage: Stage, make_stage: Callable[..., Stage]) -> None:
    """The project's own server writes everything at once and evicts nothing; it has no replica."""
    checks = ("eviction", "persistence", "replicas", "writing")
    scraped = scrape(stage.services)
    assert {check: value(scraped, "store_policy_ok", check=check) for check in checks} == dict.fromkeys(checks, 1)
    assert value(scraped, "store_memory_used_bytes") > 100_000
    assert value(scraped, "store_memory_limit_bytes") == 0
    lacking = scrape(make_stage(replicas=1).services)
    assert value(lacking, "store_replicas_wanted") == 1
    assert value(lacking, "store_replicas") == value(lacking, "store_policy_ok", check="replicas") == 0


def test_clocks_that_are_apart(stage: Stage) -> None:
    """The server's against that of the exporter's machine, and what was added to it after it was set."""
    store = stage.services.store
    samples = {sample.metric: sample.value for sample in of_server(store, lambda: time.time() - 40)}
    assert samples[CLOCK_AHEAD] == pytest.approx(40, abs=5)
    assert samples[CLOCK_CORRECTION] == 0
    store.ask(Redis.hset, store.keys.clock(), "offset_ms", -61_000)
    samples = {sample.metric: sample.value for sample in of_server(store, time.time)}
    assert samples[CLOCK_AHEAD] == pytest.approx(0, abs=5)
    assert samples[CLOCK_CORRECTION] == -61


def test_a_server_that_does_not_tell_its_settings(stage: Stage, server: EmbeddedServer) -> None:
    """At providers that allow no CONFIG: what the server does show counts."""
    with connect(stage.services.settings) as redis:
        redis.acl_setuser("plain", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-config"])
        try:
            url = server.url.replace("redis://", "redis://plain:any@")
            store = Store(connect(replace(stage.services.settings, redis_url=url)), stage.services.store.keys)
            assert store.server_setting("appendfsync") is None
            samples = {sample.labels: sample.value for sample in of_server(store, time.time) if sample.metric is POLICY}
        finally:
            redis.acl_deluser("plain")
    assert samples["persistence",] == 1
    assert stage.services.store.server_setting("appendfsync") == "always"
    assert stage.services.store.server_setting("no-such-setting") is None


class TestPlanned:
    """Planned batches wait from the moment at which they may go out; until then nothing is late."""

    def waiting_s(self, stage: Stage) -> float:
        return value(scrape(stage.services), "batches_oldest_seconds", state="planned")

    def test_drafts(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)), start="draft", by="ann")
        assert self.waiting_s(stage) == 0
        campaign.approve(by="bob")
        assert self.waiting_s(stage) > 0

    def test_paused_and_cancelled(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        campaign.pause()
        assert self.waiting_s(stage) == 0
        campaign.resume()
        assert self.waiting_s(stage) > 0
        stage.services.campaigns.cancel(campaign.id, "ann")
        assert self.waiting_s(stage) == 0

    def test_what_comes_back_while_its_campaign_pauses(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        claimed = stage.claim(f"{campaign.id}-0")
        assert isinstance(claimed, Claim)
        campaign.pause()
        stage.services.batches.move(claimed.batch, Move(PLANNED), from_states={SENDING})
        assert self.waiting_s(stage) == 0
        campaign.resume()
        assert self.waiting_s(stage) > 0

    def test_scheduled_and_rescheduled(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(schedule_lead_s=600)
        campaign = stage.enqueue(sample_job("2040-10-30T22:56:00"))
        now_ms = stage.services.now_ms()
        assert self.waiting_s(stage) == 0
        campaign.pause()
        campaign.resume()
        assert self.waiting_s(stage) == 0
        campaign.reschedule(datetime.fromtimestamp(now_ms / 1000 + 60, UTC))  # within the lead time
        assert self.waiting_s(stage) > 0
        campaign.reschedule("2041-10-30T22:56:00")
        assert self.waiting_s(stage) == 0

    def test_sent_again_after_its_campaign_was_over(self, stage: Stage) -> None:
        stage.sandbox.fault("refuse", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.finish(campaign)
        assert self.waiting_s(stage) == 0
        campaign.retry(by="ann", why="mended")
        assert self.waiting_s(stage) > 0
