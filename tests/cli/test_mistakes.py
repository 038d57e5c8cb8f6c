"""Every door tells all mistakes of a job at once: those of its fields, of its key and of what stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError, KeyConflictError
from campaigns.preview import preview
from campaigns.submission import submit
from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

PLACES: Final = ["key", "messages[0].content.txet", "messages[0].content.text", "messages[0].mesage"]


def wrong() -> dict[str, Any]:
    job = bulk_job(phones(1))
    job["messages"][0] |= {"mesage": "x", "content": {"type": "text", "txet": "x"}}
    return job | {"key": ["no key"]}


def reported(lines: list[str]) -> None:
    """Each place, and for an unknown field what there is."""
    assert sorted(line.partition(": ")[0] for line in lines) == sorted(PLACES)
    text = "\n".join(lines)
    assert "messages[0].content.txet: unknown field; did you mean text? There are: type, text, " in text
    assert "messages[0].mesage: unknown field; did you mean message_type? There are: alphaname_id, " in text


def test_enqueue(stage: Stage) -> None:
    with pytest.raises(JobError) as caught:
        stage.enqueue(wrong())
    reported(caught.value.lines)


def test_enqueue_many(stage: Stage) -> None:
    right, broken = enqueue_many(stage.services, [quick_job(*phones(1)), wrong()])
    assert right.campaign is not None
    assert isinstance(broken.error, JobError)
    reported(broken.error.lines)


def test_preview(stage: Stage) -> None:
    with pytest.raises(JobError) as caught:
        preview(stage.services, wrong())
    reported(caught.value.lines)


def test_preview_goes_by_the_key_in_the_job(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2), key="spring"))
    assert preview(stage.services, bulk_job(phones(2), key="spring")).same_as == campaign.id
    with pytest.raises(KeyConflictError):
        preview(stage.services, bulk_job(phones(1), key="spring"))


def test_submit(stage: Stage) -> None:
    campaign = Campaign.of(stage.services, submit(stage.services, wrong(), key=None, strict=False, message_id="m"))
    status = campaign.status()
    assert status.state == "invalid"
    reported(JobError(status.errors or {}).lines)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_send(run: Run, stage: Stage, tmp_path: Path, options: list[str]) -> None:
    sent = run("send", job_file(tmp_path, wrong()), *options)
    assert sent.exit_code == 2
    assert "the job has 4 mistakes" in sent.stderr
    reported([line.strip() for line in sent.stderr.splitlines() if line.startswith("  ") and ": " in line])


def test_a_file_that_is_refused_hides_no_mistake_of_the_job(stage: Stage) -> None:
    """And recipients that cannot be had are not said to be missing."""
    job = wrong()
    del job["key"], job["messages"][0]["delivery_list"]
    with pytest.raises(JobError) as caught:
        stage.enqueue(job, recipients="people.csv", columns={"fone": "A"})
    assert sorted(line.partition(": ")[0] for line in caught.value.lines) == sorted(["columns.fone", *PLACES[1:]])
