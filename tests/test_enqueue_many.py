"""Enqueueing many jobs at once: each as if it were alone."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread

import pytest

from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError, KeyConflictError, NotReplicatedError, StoreError
from campaigns.sandbox.server import Sandbox
from campaigns.store.client import Store
from campaigns.store.embedded import EmbeddedServer
from tests.support.clocks import Late
from tests.support.jobs import bulk_job, list_job, phones, quick_job, sample_job
from tests.support.settings import fast_settings
from tests.support.stage import Stage


def many(stage: Stage, *jobs: object, **options: object) -> list[object]:
    """For each job its error's name, or its campaign's id."""
    found = enqueue_many(stage.services, jobs, **options)  # type: ignore[arg-type]
    return [type(one.error).__name__ if one.error else one.campaign.id for one in found if one.campaign or one.error]


def test_every_kind_goes_out_once(stage: Stage) -> None:
    jobs = [quick_job(phone, message=f"code {phone}") for phone in phones(8)]
    others = [bulk_job(phones(3)), list_job(1), quick_job(*phones(52, start=200), message="to many")]
    found = enqueue_many(stage.services, [*jobs, *others])
    campaigns = [one.campaign for one in found if one.campaign]
    assert len({campaign.id for campaign in campaigns}) == len(found) == 11
    stage.finish(*campaigns, timeout_s=60)
    assert [row["text"] for row in stage.sandbox.ledger()].count("to many") == 52
    assert {row["text"] for row in stage.sandbox.ledger()} >= {f"code {phone}" for phone in phones(8)}


def test_those_that_share_a_call_and_those_that_cannot(stage: Stage) -> None:
    """More than one call takes, of two kinds and in no order: each result is that of its own job."""
    stage.services.optouts.add(phones(1, start=61), why="asked")
    jobs = [
        quick_job(phone, name=phone) if number % 3 else bulk_job([phone], name=phone)
        for number, phone in enumerate(phones(130))
    ]
    found = [one.campaign for one in enqueue_many(stage.services, jobs)]
    records = [stage.services.campaigns.read(campaign.id) for campaign in found if campaign]
    assert [record.fields["name"] for record in records] == phones(130)
    assert [record.kind for record in records] == [job.get("kind", "bulk") for job in jobs]
    assert [number for number, one in enumerate(records) if one.fields.get("r:opted_out") == "1"] == [61]
    assert stage.services.store.redis.zcard(stage.services.store.keys.index()) == 130


@pytest.mark.parametrize("limited", [False, True])
def test_one_group_is_stored_while_the_next_is_planned(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    """Many more than a round trip takes; also where no thread can start. Each result is that of its own job."""
    if limited:
        monkeypatch.setattr(Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("can't start new thread")))
    jobs = [quick_job(phone, name=phone) for phone in phones(650)]
    jobs[100] = jobs[500] = {"kind": "quick"}
    keys = [f"key {number}" for number in range(650)]
    keys[640] = keys[0]
    found = enqueue_many(stage.services, jobs, keys=keys)
    assert [number for number, one in enumerate(found) if isinstance(one.error, JobError)] == [100, 500]
    assert isinstance(found[640].error, KeyConflictError)
    names = [stage.services.campaigns.read(one.campaign.id).fields["name"] for one in found if one.campaign]
    assert names == [phone for number, phone in enumerate(phones(650)) if number not in {100, 500, 640}]


def test_what_stops_the_storing_reaches_the_caller(stage: Stage) -> None:
    class Broken(Store):
        def run_all_safely(self, calls: object) -> list[object]:  # type: ignore[override]
            raise ZeroDivisionError

    broken = Broken(stage.services.store.redis, stage.services.store.keys)
    with pytest.raises(ZeroDivisionError):
        enqueue_many(replace(stage.services, store=broken), [quick_job(phone) for phone in phones(450)])


def test_one_that_is_wrong_costs_no_other(stage: Stage) -> None:
    stage.services.optouts.add(phones(1, start=5), why="asked")
    sound, wrong = quick_job(*phones(1)), {"kind": "quick"}
    first, second, third, fourth = many(stage, sound, wrong, quick_job(*phones(1, start=5)), sound)
    assert second == "JobError"
    assert len({first, third, fourth}) == 3
    strict = enqueue_many(stage.services, [quick_job(*phones(1, start=5)), sound], strict=True)
    assert isinstance(strict[0].error, JobError)
    assert strict[1].campaign


def test_keys(stage: Stage) -> None:
    """Repeated beside each other, repeated later, and taken by another job."""
    one, other = quick_job(*phones(1)), quick_job(*phones(1, start=1))
    first, again, taken, free = many(stage, one, one, other, other, keys=["a", "a", "a", None])
    assert first == again
    assert taken == KeyConflictError.__name__
    assert free != first
    assert many(stage, {**one, "key": "a"}) == [first]
    with pytest.raises(ValueError, match="2 jobs, but 1 keys"):
        enqueue_many(stage.services, [one, one], keys=["a"])


def test_an_opt_out_between_planning_and_storing_counts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opts out while a job is planned is excluded before it is sent."""
    original = Store.run_all_safely

    def late(store: Store, calls: object) -> object:
        monkeypatch.undo()
        stage.services.optouts.add(phones(1), why="asked")
        return original(store, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "run_all_safely", late)
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.finish(campaign)
    assert {row["phone"] for row in stage.sandbox.ledger()} == set(phones(2)[1:])


@pytest.mark.parametrize("known", ["store_campaigns", "open_plan", "add_batch", "finish_plan"])
def test_a_server_that_knows_only_some_of_the_scripts(stage: Stage, known: str) -> None:
    """No campaign becomes ready without its recipients, whether it is stored at once or bit by bit."""
    redis = stage.services.store.redis
    for recipients in ([*phones(3), "nobody"], iter([*phones(3), "nobody"])):
        job = bulk_job(())
        job["messages"][0]["delivery_list"] = recipients
        stage.enqueue(quick_job(*phones(1, start=100)))
        redis.script_flush()
        redis.script_load(stage.services.store._script(known).script)
        status = stage.enqueue(job).status()
        assert (status.total, status.recipients["planned"], status.recipients["invalid"]) == (4, 3, 1)


def test_a_store_that_is_away(sandbox: Sandbox, prefix: str) -> None:
    """Every result says it; once it is back, the same keys store each job once."""
    with EmbeddedServer() as server:
        stage = Stage(fast_settings(server.url, sandbox.url, prefix), sandbox)
        jobs, keys = [quick_job(phone) for phone in phones(3)], ["x", "y", "z"]
        server.kill()
        found = enqueue_many(stage.services, jobs, keys=keys)
        assert all(isinstance(one.error, StoreError) for one in found)
        server.restart()
        ids = many(stage, *jobs, keys=keys)
        assert many(stage, *jobs, keys=keys) == ids
        assert len(set(ids)) == 3


def test_what_replicas_lack_is_not_stored(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each result says so, also that of a job whose key another one of the same call had; all may come again."""
    original = Store.run_all_safely

    def lacking(store: Store, calls: object) -> object:
        original(store, calls)  # type: ignore[arg-type]
        raise NotReplicatedError(0, 1)

    jobs, keys = [quick_job(*phones(1)), quick_job(*phones(1)), quick_job(*phones(1, start=1))], ["a", "a", "b"]
    monkeypatch.setattr(Store, "run_all_safely", lacking)
    found = enqueue_many(stage.services, jobs, keys=keys)
    assert all(isinstance(one.error, StoreError) for one in found)
    monkeypatch.undo()
    first, same, other = many(stage, *jobs, keys=keys)
    assert first == same != other
    stage.until(lambda: len(stage.sandbox.ledger()) == 2)


def test_a_call_that_arrives_after_the_error_stores_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stood still: the caller got an error, so nothing may be stored, and then the server reads what was sent."""
    original, sent = Store.run_all_safely, []

    def unanswered(store: Store, calls: object) -> object:
        sent.append(calls)
        raise StoreError("no answer")

    monkeypatch.setattr(Store, "run_all_safely", unanswered)
    with pytest.raises(StoreError, match="no answer"):
        stage.enqueue(quick_job(*phones(1)), key="k")
    monkeypatch.undo()
    original(stage.services.store, sent[0])
    stage.step()
    assert stage.sandbox.ledger() == []
    campaign = stage.enqueue(quick_job(*phones(1)), key="k")
    stage.finish(campaign)
    assert len(stage.sandbox.ledger()) == 1


def test_recipients_who_come_as_a_stream_all_come(stage: Stage) -> None:
    """Beside others, and where a job is no small one after all: a stream can be read once."""
    streams = [{**quick_job(), "delivery_list": iter(phones(number, start=100))} for number in (3, 60)]
    jobs = [*streams, quick_job(*phones(1, start=300))]
    found = enqueue_many(stage.services, jobs)
    assert [one.campaign.status().total for one in found if one.campaign] == [3, 60, 1]


def test_a_key_that_is_known_whose_time_has_passed(stage: Stage) -> None:
    """The same campaign, as `enqueue` says, and not an error."""
    job = sample_job(schedule="2040-10-30T22:56:00")
    first = stage.enqueue(job, key="later")
    late = replace(stage.services, store=Late(stage.services.store))
    again, other = enqueue_many(late, [job, job], keys=["later", None])
    assert again.campaign == first
    assert isinstance(other.error, JobError)
