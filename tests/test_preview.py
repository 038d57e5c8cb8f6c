"""What enqueueing would do, with nothing done."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from campaigns import Preview
from campaigns.cli.output.previews import preview_lines
from campaigns.errors import JobError, KeyConflictError
from campaigns.preview import preview
from campaigns.recipients.exclusions import Excluded
from tests.support.jobs import bulk_job, list_job, phones, quick_job, sample_job
from tests.support.settings import TOKEN
from tests.support.stage import Stage


def contents(stage: Stage, prefix: str) -> dict[bytes, bytes | None]:
    redis = stage.services.store.redis
    return {name: redis.dump(name) for name in redis.scan_iter(match=f"{prefix}*", count=1000)}


@pytest.fixture
def look_ahead(stage: Stage, prefix: str) -> Callable[..., Preview]:
    """A preview that must leave Redis as it was, and ring no bell."""

    def previewed(job: Any, at: Stage = stage, **options: Any) -> Preview:
        before, awake = contents(at, prefix), list(at.bells)
        try:
            return preview(at.services, job, **options)
        finally:
            assert contents(at, prefix) == before
            assert at.bells == awake

    return previewed


def test_everybody_is_counted_once(look_ahead: Callable[..., Preview], stage: Stage) -> None:
    people = phones(3)
    stage.services.optouts.add([people[2]])
    found = look_ahead(bulk_job([*people, people[0], "nobody"], name="Spring"))
    assert (found.total, found.invalid, found.duplicate, found.opted_out, found.to_send) == (5, 1, 1, 1, 2)
    assert (found.name, found.kind, found.requests, found.cost, found.refused) == ("Spring", "bulk", 1, None, {})
    assert Excluded("invalid", "messages[0].delivery_list[4]", "nobody") in found.examples
    assert found.first_request is not None
    assert found.first_request.body["messages"][0]["delivery_list"] == people[:2]


def test_the_first_request_is_the_one_that_goes_out(look_ahead: Callable[..., Preview], stage: Stage) -> None:
    job = sample_job()
    found = look_ahead(job)
    assert found.first_request is not None
    assert found.first_request.url == f"{stage.sandbox.url}/api/v1/sendBulkViber"
    assert TOKEN not in str(found.first_request)
    campaign = stage.enqueue(job)
    body = stage.services.batches.body(f"{campaign.id}-0")
    assert body is not None
    assert found.first_request.body == {
        "token": "***",
        "callback_url": job["callback_url"],
        "messages": orjson.loads(body),
    }


@pytest.mark.parametrize(
    ("job", "path", "requests"),
    [
        (quick_job(*phones(3)), "/api/v2/sendQuickViberMessage", 3),
        (list_job(), "/api/v2/sendViberMessageList", 1),
    ],
)
def test_forms(look_ahead: Callable[..., Preview], job: Any, path: str, requests: int) -> None:
    found = look_ahead(job)
    assert found.first_request is not None
    assert found.first_request.form
    assert found.first_request.url.endswith(path)
    assert found.first_request.body["token"] == "***"
    assert found.requests == requests
    assert (found.to_send is None) == (found.kind == "list")


def test_requests_and_money(look_ahead: Callable[..., Preview], make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(recipients_per_request=10, message_cost=Decimal("0.02"))
    found = look_ahead(bulk_job(phones(25), max_cost="0.40", max_recipients=25), at=stage)
    assert (found.requests, found.cost) == (3, Decimal("0.50"))
    assert list(found.refused) == ["max_cost"]
    assert found.as_dict()["cost"] == "0.50"
    with pytest.raises(JobError) as refused:
        stage.enqueue(bulk_job(phones(25), max_cost="0.40", max_recipients=25))
    assert refused.value.errors == found.refused


def test_the_daily_budget(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(message_cost=Decimal("0.5"), daily_budget=Decimal(3))
    before = preview(stage.services, bulk_job(phones(4)))
    assert (before.budget, before.budget_left, before.as_dict()["budget_left"]) == (3, 3, "3")
    assert not any("waits for the next day" in line for line, _ in preview_lines(before))
    stage.finish(stage.enqueue(bulk_job(phones(4))))
    after = preview(stage.services, bulk_job(phones(6)))
    assert after.budget_left is not None
    assert 0 < after.budget_left < 3
    (line,) = [line for line, _ in preview_lines(after) if "daily budget of 3.00" in line]
    assert line.endswith("; what does not fit waits for the next day")
    assert preview(make_stage().services, bulk_job(phones(4))).budget is None


def test_strict(look_ahead: Callable[..., Preview]) -> None:
    assert look_ahead(bulk_job(["nobody"]), strict=True).refused == {
        "delivery_list": ["strict, but recipients would be excluded: 1 invalid"]
    }


def test_mistakes_read_as_those_of_enqueue(look_ahead: Callable[..., Preview], stage: Stage) -> None:
    job = sample_job()
    job["messages"][2]["content"]["button_link"] = "nowhere"
    job["surprise"] = 1
    with pytest.raises(JobError) as previewed:
        look_ahead(job)
    with pytest.raises(JobError) as enqueued:
        stage.enqueue(job)
    assert previewed.value.lines == enqueued.value.lines
    assert len(previewed.value.lines) == 2


def test_recipients_as_a_stream(look_ahead: Callable[..., Preview]) -> None:
    job = bulk_job([])
    del job["messages"][0]["delivery_list"]
    assert look_ahead(job, recipients=iter(phones(2500))).requests == 3
    with pytest.raises(JobError, match=r"delivery_list\[1\]"):
        look_ahead(job, recipients=iter([phones(1)[0], {"phone": "1", "surprise": 2}]))


def test_a_key_that_is_taken(look_ahead: Callable[..., Preview], stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2)), key="k")
    assert look_ahead(bulk_job(phones(2)), key="k").same_as == campaign.id
    assert look_ahead(bulk_job(phones(2)), key="other").same_as is None
    with pytest.raises(KeyConflictError):
        look_ahead(bulk_job(phones(3)), key="k")


def test_callbacks_are_shown_without_their_signature(
    look_ahead: Callable[..., Preview], make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(callback_base_url="https://here.example/viber")
    first = look_ahead(bulk_job(phones(1)), at=stage).first_request
    assert first is not None
    assert first.body["callback_url"] == "https://here.example/viber/***"
