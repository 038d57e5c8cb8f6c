"""What the two descriptions of jobs say of a document: the check, and the JSON Schemas."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import jsonschema

from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.jobs.json_schema import job_schema, jobs_schema
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.settings import Settings

SETTINGS: Final = Settings(message_cost=Decimal("0.049"))
NOW: Final = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
ALL: Final = jsonschema.Draft202012Validator(jobs_schema(SETTINGS))
OF_KIND: Final = {kind: jsonschema.Draft202012Validator(job_schema(kind, SETTINGS)) for kind in KINDS}


def refusals(job: dict[str, Any]) -> list[str]:
    """The lines with which the check refuses a job; none if it accepts it."""
    try:
        load_job(job, settings=SETTINGS, now=NOW)
    except JobError as error:
        return error.lines
    return []


def is_valid(job: dict[str, Any]) -> bool:
    """Whether the schema of all jobs accepts it; the schema of its kind alone must agree."""
    valid = ALL.is_valid(job)
    kind = job.get("kind", "bulk")
    if isinstance(kind, str) and kind in OF_KIND:
        assert OF_KIND[kind].is_valid(job) == valid
    return valid
