"""Recipients that come as a stream, of which there are none: a query that found nobody must not use up the key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError, KeyConflictError
from campaigns.preview import preview
from tests.support.jobs import bulk_job, phones, quick_job, template_job
from tests.support.stage import Stage


def without(job: dict[str, Any], rows: Iterable[Any]) -> dict[str, Any]:
    """The job with `rows` in place of its recipients."""
    if "messages" in job:
        return job | {"messages": [job["messages"][0] | {"delivery_list": rows}]}
    return job | {"delivery_list": rows}


JOBS: dict[str, dict[str, Any]] = {
    "bulk": bulk_job(phones(1)),
    "template": template_job(None, "Hello {name}"),
    "quick": quick_job(phones(1)[0]),
    "window": bulk_job(phones(1), send_between=["00:00", "23:59"], send_zone="recipient"),
    "canary": bulk_job(phones(1), canary=5),
}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
def test_no_recipient(stage: Stage, job: dict[str, Any], strict: bool) -> None:
    """A job is refused as it is with an empty list, by every door, and nothing is stored."""
    place = "delivery_list" if job.get("kind") == "quick" else "messages[0].delivery_list"
    for rows in ([], iter([]), (phone for phone in phones(0)), {}.keys()):
        with pytest.raises(JobError) as caught:
            stage.enqueue(without(job, rows), key="monday", strict=strict)
        assert caught.value.lines == [f"{place}: must not be empty"]
    with pytest.raises(JobError, match="must not be empty"):
        preview(stage.services, without(job, iter([])))
    (result,) = enqueue_many(stage.services, [without(job, iter([]))], keys=["monday"], strict=strict)
    assert isinstance(result.error, JobError)
    assert stage.services.campaigns.of_key("monday") is None
    assert list(stage.services.campaigns.newest()) == []


def alone() -> dict[str, Any]:
    """A job whose recipients come beside it."""
    job = bulk_job([])
    del job["messages"][0]["delivery_list"]
    return job


def test_the_key_stays_free(stage: Stage) -> None:
    job = alone()
    with pytest.raises(JobError):
        stage.enqueue(job, key="monday", recipients=iter([]))
    campaign = stage.enqueue(job, key="monday", recipients=iter(phones(3)))
    stage.finish(campaign)
    assert len(stage.sandbox.ledger()) == 3
    # A key that is used is no reason to accept nobody.
    with pytest.raises(JobError) as caught:
        stage.enqueue(job, key="monday", recipients=iter([]))
    assert caught.value.lines == ["messages[0].delivery_list: must not be empty"]
    with pytest.raises(KeyConflictError):
        stage.enqueue(job, key="monday", recipients=iter(phones(2)))


def test_one_of_several_mailings(stage: Stage) -> None:
    """Also where the first part of each goes out first, which reads the smallest mailing first."""
    for more in ({}, {"canary": 2}):
        job = bulk_job(phones(60), **more)
        first = job["messages"][0]
        job["messages"] = [
            first | {"name": "a"},
            first | {"name": "b", "delivery_list": iter([])},
            first | {"name": "c"},
        ]
        with pytest.raises(JobError) as caught:
            stage.enqueue(job, key="monday")
        assert caught.value.lines == ["messages[1].delivery_list: must not be empty"]
    assert stage.services.campaigns.of_key("monday") is None


def test_a_file(stage: Stage, tmp_path: Path) -> None:
    for name, text in (("a.csv", ""), ("b.csv", "phone\n"), ("c.jsonl", "\n")):
        (file := tmp_path / name).write_text(text)
        with pytest.raises(JobError, match=f"{name}: holds no recipients"):
            stage.enqueue(alone(), key="monday", recipients=file)
    assert stage.services.campaigns.of_key("monday") is None
