"""The sample job with changes, and what the check of jobs makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.settings import Settings
from tests.support.jobs import sample_job

SETTINGS = Settings()
NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


def load(job: Any) -> Any:
    """The job as a value. Raises JobError."""
    return load_job(job, settings=SETTINGS, now=NOW)


def lines(job: Any) -> list[str]:
    """The lines with which the check refuses a job."""
    with pytest.raises(JobError) as caught:
        load(job)
    return caught.value.lines


def changed(*path: Any, value: Any = None, drop: bool = False) -> dict[str, Any]:
    """The sample job with one place changed or dropped."""
    job = sample_job()
    place: Any = job
    for name in path[:-1]:
        place = place[name]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return job
