"""A job is checked by asking the fields that it has, with the values and errors that marshmallow itself would give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema

from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.jobs.schemas.mailings import ContentSchema, MailingSchema
from campaigns.jobs.schemas.strict import StrictSchema
from tests.jobs.documents import BAD, GOOD
from tests.jobs.schemas import NOW, SETTINGS
from tests.jobs.test_json_schema_generated import changed_jobs


def checked(job: Any) -> tuple[Any, Any]:
    """The checked job, or its errors as places and texts in their order."""
    try:
        return load_job(job, settings=SETTINGS, now=NOW), None
    except JobError as error:
        return None, (error.lines, error.errors)


def checked_by_marshmallow(job: Any) -> tuple[Any, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StrictSchema, "_deserialize", Schema._deserialize)
        return checked(job)


@pytest.mark.parametrize("job", [*GOOD, *BAD])
def test_the_same_of_documents(job: Any) -> None:
    assert checked(job) == checked_by_marshmallow(job)


@settings(max_examples=600, deadline=None)
@given(st.one_of(changed_jobs(), st.sampled_from(BAD)))
def test_the_same_of_generated_ones(job: Any) -> None:
    assert checked(job) == checked_by_marshmallow(job)


@pytest.mark.parametrize("schema", [*KINDS.values(), MailingSchema, ContentSchema])
def test_fields_are_what_the_shorter_way_knows(schema: type[StrictSchema]) -> None:
    """Each is read and written under its own name, and its default is a value."""
    for name, field in schema.shared().load_fields.items():
        assert (field.data_key, field.attribute, field.dump_only) == (None, None, False)
        assert "." not in name
        assert not callable(field.load_default)
