"""A small campaign is stored at once, in one script: the same is written as bit by bit, and no opt-out is overlooked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.enqueue import enqueue
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

#: What differs between two campaigns of the same job.
_OWN = {b"plan_token", b"created_ms", b"since_ms", b"ended_ms", b"optouts_v", b"optouts_scoped_v"}


#: The kinds of keys of which there are more with every message.
_OF_MESSAGES = {"campaign", "batch", "body", "deliveries", "lookalikes", "message", "campaigns", "active", "known"}


def bit_by_bit(job: dict[str, Any]) -> dict[str, Any]:
    """The same job with recipients that come as a stream, which are planned bit by bit."""
    target = job["messages"][0] if "messages" in job else job
    target["delivery_list"] = iter(target["delivery_list"])
    return job


def written(stage: Stage, campaign_id: str) -> dict[str, Any]:
    """Every key of a campaign with what it holds, without its id and what differs between any two."""
    store = stage.services.store
    return {
        key.decode().replace(campaign_id, "ID"): _held(store, key, campaign_id)
        for key in sorted(store.redis.scan_iter(store.keys.prefix + "*" + campaign_id + "*"))
        if b"body" not in key
    } | {
        name: score is not None
        for name, score in (
            ("index", store.ask(Redis.zscore, store.keys.index(), campaign_id)),
            ("active", store.ask(Redis.sismember, store.keys.active(), campaign_id) or None),
        )
    }


def _held(store: Store, key: bytes, campaign_id: str) -> Any:
    kind = store.ask(Redis.type, key)
    if kind == b"hash":
        return {
            name: value.replace(campaign_id.encode(), b"ID")
            for name, value in store.ask(Redis.hgetall, key).items()
            if name not in _OWN
        }
    return store.ask(Redis.lrange, key, 0, -1) if kind == b"list" else kind


_JOBS: dict[str, Callable[[], dict[str, Any]]] = {
    "quick": lambda: quick_job(*phones(1)),
    "bulk, some excluded": lambda: bulk_job([*phones(3), phones(1)[0], "nobody"], name="Sale"),
    "nobody is left": lambda: bulk_job(["nobody"]),
    "draft": lambda: bulk_job(phones(2), start="draft", weight=3, correlation_id="c-1"),
    "odd characters": lambda: quick_job(
        *phones(1), name='Весна "\\" \x07\u2028\x7f 😀', key="ключ\t'1'", correlation_id="№ 1"
    ),
    "rate and key": lambda: bulk_job(phones(2), rate="10/minute", key="k"),
}


@pytest.mark.parametrize("job", _JOBS.values(), ids=_JOBS)
def test_the_same_is_written_as_bit_by_bit(make_stage: Callable[..., Stage], job: Callable[[], dict[str, Any]]) -> None:
    whole, bits = make_stage(), make_stage(key_prefix="other:")
    first = enqueue(whole.services, job())
    second = enqueue(bits.services, bit_by_bit(job()))
    assert written(whole, first.id) == {
        name.replace("other:", whole.services.store.keys.prefix): value
        for name, value in written(bits, second.id).items()
    }


@pytest.mark.parametrize("job", _JOBS.values(), ids=_JOBS)
def test_the_same_is_written_beside_others(make_stage: Callable[..., Stage], job: Callable[[], dict[str, Any]]) -> None:
    """Those of the same kind share a call."""
    alone, shared = make_stage(), make_stage(key_prefix="other:")
    first = enqueue(alone.services, job())
    others = [quick_job(*phones(1, start=7)), bulk_job(phones(2, start=8)), {**job(), "key": "another"}]
    found = enqueue_many(shared.services, [*others, job(), *others])
    second = found[3].campaign
    assert second is not None
    assert written(alone, first.id) == {
        name.replace("other:", alone.services.store.keys.prefix): value
        for name, value in written(shared, second.id).items()
    }


def test_an_opted_out_recipient_is_excluded(stage: Stage) -> None:
    stage.services.optouts.add(phones(1), why="asked")
    campaign = stage.enqueue(bulk_job(phones(3)))
    assert (campaign.status().recipients["opted_out"], campaign.status().recipients["planned"]) == (1, 2)


def test_limits_count_without_those_who_are_opted_out(stage: Stage) -> None:
    """Three are handed in and two may be messaged, so two are within the limit; strictly, the third refuses the job."""
    stage.services.optouts.add(phones(1), why="asked")
    assert stage.enqueue(bulk_job(phones(3), max_recipients=2)).status().recipients["planned"] == 2
    with pytest.raises(JobError, match="2 recipients, more than 1"):
        stage.enqueue(bulk_job(phones(3), max_recipients=1))
    with pytest.raises(JobError, match="1 opted out"):
        enqueue(stage.services, bulk_job(phones(3)), strict=True)


@pytest.mark.parametrize(("followed", "most_bytes"), [(True, 1700), (False, 1500)])
def test_a_single_message_that_is_over_takes_little_memory(stage: Stage, followed: bool, most_bytes: int) -> None:
    """Without its events, which live as long as consumers want them. Indexes and sets that it shares count in part."""
    store, many = stage.services.store, 50
    asked = {} if followed else {"follow": "none", "replies": False}
    stage.finish(*(stage.enqueue(quick_job(phone, **asked)) for phone in phones(many, start=100)))
    sizes = {
        key: store.redis.memory_usage(key, samples=0)
        for key in store.redis.scan_iter(store.keys.prefix + "*")
        if key.decode().removeprefix(store.keys.prefix).split(":")[0] in _OF_MESSAGES
    }
    assert sum(sizes.values()) / many < most_bytes, sizes


def test_one_round_trip(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with a key, and with a person on the list of opt-outs who is not messaged here."""
    stage.services.optouts.add(phones(1, start=50), why="asked")
    stage.enqueue(quick_job(*phones(1)))  # the clocks are compared, and the script is known
    trips: list[int] = []
    original = Store._in_turn

    def counted(store: Store, calls: Any, *more: Any) -> Any:
        trips.append(len(calls))
        return original(store, calls, *more)

    monkeypatch.setattr(Store, "_in_turn", counted)
    monkeypatch.setattr(Store, "run", None)
    monkeypatch.setattr(Store, "ask", None)
    enqueue(stage.services, quick_job(*phones(1)), key="k")
    assert trips == [1]
