"""Following ends by an answer, or after a long time without one: never because the last request failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.errors import (
    AccountRefusedError,
    GatewayError,
    OutcomeUnknownError,
    PermitDeniedError,
    TooManyRequestsError,
)
from campaigns.flow.poll_schedule import LONGEST_DELAY_S, again_ms, followed_to_the_end
from campaigns.gateway import Gateway
from campaigns.store.client import Store
from campaigns.wiring import build_services
from tests.support.doubt import ask_through
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.reads import fetch_batch, poll_batch
from tests.support.stage import Stage

HOUR_MS = 3_600_000
HORIZON_S = 3600.0


class Clock:
    """The time of the store, moved by hand."""

    def __init__(self, stage: Stage) -> None:
        self.ms = stage.services.now_ms()
        store = Store(stage.services.store.redis, stage.services.store.keys, now_ms=lambda: self.ms)
        before = stage.services
        stage.services = build_services(before.settings, store=store, ring=before.ring)


class Failing(Gateway):
    """Fails with the error that is set, whatever is asked."""

    error: GatewayError | None = None

    def _fail(self) -> None:
        if Failing.error is not None:
            raise Failing.error

    def status_bulk_viber(self, uuid: str) -> Any:
        self._fail()
        return super().status_bulk_viber(uuid)

    def get_new_incoming_messages(self, message_id: int) -> Any:
        self._fail()
        return super().get_new_incoming_messages(message_id)


@pytest.fixture(autouse=True)
def nothing_fails() -> Iterator[None]:
    Failing.error = None
    yield
    Failing.error = None


TROUBLES = [
    AccountRefusedError("m", "refused", http_status=401, gateway_text="Unauthorized"),
    OutcomeUnknownError("m", "HTTP 500", http_status=500),
    OutcomeUnknownError("m", "no answer in time"),
    TooManyRequestsError("m", "too many requests", http_status=429, retry_after_s=1e9),
    PermitDeniedError("m", "no permit: paused", retry_after_s=2_592_000),
]


def followed(make_stage: Callable[..., Stage]) -> tuple[Stage, Clock, Campaign, str]:
    """A batch without a single status, and the moment."""
    stage = make_stage(poll_horizon_s=HORIZON_S, reply_window_s=HORIZON_S, poll_min_s=60.0)
    clock = Clock(stage)
    ask_through(stage, Failing)
    campaign = stage.enqueue(bulk_job(["375297779909", *phones(2)]))
    stage.step()
    assert campaign.status().sent == 3
    return stage, clock, campaign, f"{campaign.id}-0"


def due_ms(stage: Stage, verb: str, batch_id: str) -> float | None:
    """When an entry of a batch is due, wherever it stands."""
    redis, prefix = stage.services.store.redis, stage.services.store.keys.prefix
    scores = [
        redis.zscore(name, f"{verb}|{batch_id}")
        for name in redis.scan_iter(match=prefix + "due*")
        if redis.type(name) == b"zset"
    ]
    return next((score for score in scores if score is not None), None)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: f"{type(error).__name__} {error.reason}")
def test_a_failed_poll_at_the_horizon_ends_nothing(make_stage: Callable[..., Stage], trouble: GatewayError) -> None:
    """It was read; the last poll fails; the next one is asked, and answers."""
    stage, clock, campaign, batch_id = followed(make_stage)
    stage.until(lambda: {row["status"] for row in stage.sandbox.ledger()} == {"READ"})
    clock.ms += 2 * HOUR_MS - 60_000
    Failing.error = trouble
    for _ in range(2):
        poll_batch(stage.services, batch_id)
    batch = stage.services.batches.read(batch_id)
    assert (batch.state, campaign.status().statuses) == ("accepted", {})
    assert "until the gateway answers" in batch.fields["text"]
    again = due_ms(stage, "poll", batch_id)
    assert again is not None
    assert clock.ms < again <= clock.ms + max(LONGEST_DELAY_S * 1000, HOUR_MS)
    Failing.error = None
    poll_batch(stage.services, batch_id)
    assert (campaign.status().statuses, campaign.status().state) == ({"READ": 3}, "finished")
    assert stage.services.batches.read(batch_id).fields["text"] == ""


def test_an_answer_at_the_horizon_ends_it(make_stage: Callable[..., Stage]) -> None:
    stage, clock, campaign, batch_id = followed(make_stage)
    clock.ms += 2 * HOUR_MS
    poll_batch(stage.services, batch_id)
    assert campaign.status().state == "finished"


def test_without_any_answer_the_batch_is_given_up_after_twice_the_horizon(make_stage: Callable[..., Stage]) -> None:
    stage, clock, campaign, batch_id = followed(make_stage)
    clock.ms += 2 * HOUR_MS + 1000
    Failing.error = TROUBLES[0]
    poll_batch(stage.services, batch_id)
    assert campaign.status().statuses == {"UNKNOWN_FINAL": 3}
    settled = [event for event in stage.events(campaign) if event.type == "batch.settled"]
    assert settled[-1].data["reason"] == "given up without an answer: Unauthorized"
    stage.check(campaign)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: f"{type(error).__name__} {error.reason}")
def test_the_last_fetch_of_replies_is_tried_again(make_stage: Callable[..., Stage], trouble: GatewayError) -> None:
    stage, clock, campaign, batch_id = followed(make_stage)
    poll_batch(stage.services, batch_id)
    (message_id,) = stage.services.batches.read(batch_id).message_ids.values()
    stage.sandbox.reply(phones(1)[0], "late", message_id)
    clock.ms += HOUR_MS + 1000
    Failing.error = trouble
    fetch_batch(stage.services, batch_id)
    assert due_ms(stage, "replies", batch_id) is not None
    Failing.error = None
    fetch_batch(stage.services, batch_id)
    assert "late" in [reply.message for reply in campaign.replies()]
    assert due_ms(stage, "replies", batch_id) is None


def test_replies_wait_for_the_ids_of_their_mailings(make_stage: Callable[..., Stage]) -> None:
    """No poll has found the ids by the end of the window: there are replies to fetch yet."""
    stage, clock, _, batch_id = followed(make_stage)
    clock.ms += HOUR_MS + 1000
    fetch_batch(stage.services, batch_id)
    assert due_ms(stage, "replies", batch_id) is not None


def test_sweeping_finds_a_fetch_that_was_never_answered(make_stage: Callable[..., Stage]) -> None:
    stage, clock, _, batch_id = followed(make_stage)
    poll_batch(stage.services, batch_id)
    clock.ms += HOUR_MS + 1000
    Failing.error = TROUBLES[0]
    fetch_batch(stage.services, batch_id)
    redis, prefix = stage.services.store.redis, stage.services.store.keys.prefix
    redis.delete(*redis.scan_iter(match=prefix + "due*"))
    stage.sweep()
    assert due_ms(stage, "replies", batch_id) is not None


def test_a_mailing_for_later_is_asked_about_before_its_time(make_stage: Callable[..., Stage]) -> None:
    """What is wrong with it is known at once, not in five days."""
    stage = make_stage(poll_min_s=0.05)
    job = bulk_job(phones(2))
    job["messages"][0] |= {"schedule_time": "2040-10-30T22:56:00"}
    campaign = stage.enqueue(job)
    stage.until(lambda: bool(stage.services.batches.read(f"{campaign.id}-0").message_ids))
    assert stage.sandbox.summary()["requests"]["statusBulkViber"] == 1
    again = due_ms(stage, "poll", f"{campaign.id}-0")
    assert again is not None
    assert again > stage.services.now_ms() + 1000 * HOUR_MS


@pytest.mark.parametrize(
    ("now_s", "answered", "over"),
    [(99, True, False), (100, True, True), (100, False, False), (199, False, False), (200, False, True)],
)
def test_when_following_is_over(now_s: int, *, answered: bool, over: bool) -> None:
    assert followed_to_the_end(now_s * 1000, 0, 100.0, answered=answered) is over


def test_delays_from_outside_are_bounded() -> None:
    options: dict[str, Any] = {"fraction": 0.25, "minimum_s": 3.0, "end_ms": 72 * HOUR_MS}
    assert again_ms(0, 0, **options, delay_s=1e9) == LONGEST_DELAY_S * 1000
    assert again_ms(0, 0, **options, delay_s=0.0) == 3000
    late = 80 * HOUR_MS
    assert late + 3000 <= again_ms(late, 0, **options) <= late + 6 * HOUR_MS


def test_a_quick_message_that_a_person_declared_sent_ends_at_the_horizon(make_stage: Callable[..., Stage]) -> None:
    """Its id is not known, so nothing can be polled."""
    stage = make_stage(poll_horizon_s=1.0)
    stage.sandbox.fault("reset_before", "sendQuickViberMessage")
    campaign = stage.enqueue(quick_job(phones(1)[0]))
    stage.until(lambda: campaign.status().recipients["held"] == 1)
    campaign.resolve("sent", by="ann", why="seen")
    stage.until(lambda: campaign.status().state == "finished", 5)
