"""Jobs that are alike are checked as each alone would be."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import JobError
from campaigns.jobs.alike import AlikeJobs
from campaigns.jobs.checking import load_job
from tests.jobs.documents import BAD, GOOD, PHONE
from tests.jobs.schemas import NOW, SETTINGS
from tests.jobs.test_json_schema_generated import changed_jobs
from tests.support.jobs import quick_job


class Followed(enum.StrEnum):
    NOT = "none"


_QUICK = [job for job in GOOD if job.get("kind") == "quick"]
_BASES = [*_QUICK, quick_job(PHONE), {k: v for k, v in quick_job(phone=PHONE).items() if k != "delivery_list"}]
_OWN: dict[str, st.SearchStrategy[Any]] = {
    "message": st.one_of(st.text(max_size=5), st.sampled_from(["x" * 1001, "\ud83d", "a\0", "{name}", " ", None, 5])),
    "phone": st.sampled_from([PHONE, "80291111111", 375291111111, "nobody", "\ud83d", None]),
    "delivery_list": st.sampled_from(
        [[PHONE], [PHONE, "nobody"], [375291111111], [], ["\ud83d"], (PHONE,), [{}], PHONE]
    ),
    "key": st.sampled_from([None, "k", 7, "", True, "x" * 256]),
    "follow": st.sampled_from(["none", "NONE", Followed.NOT, 5]),
    "replies": st.sampled_from([True, 1, 1.0, "1", False]),
    "weight": st.sampled_from([1, True, "1", 1.0]),
    "forwarding_message": st.sampled_from([1, 0]),
}


@st.composite
def similar_jobs(draw: st.DrawFn) -> dict[str, Any]:
    """A quick job with some fields changed, left out or added."""
    job = dict(draw(st.sampled_from(_BASES)))
    for name in draw(st.lists(st.sampled_from(sorted(_OWN)), max_size=3)):
        job[name] = draw(_OWN[name])
    for name in draw(st.lists(st.sampled_from(sorted(_OWN)), max_size=1)):
        job.pop(name, None)
    return job


def outcome(load: Any, job: Any) -> Any:
    try:
        return load(job)
    except JobError as error:
        return error.lines, error.errors


@settings(max_examples=800, deadline=None)
@given(
    st.lists(st.one_of(similar_jobs(), similar_jobs(), changed_jobs(), st.sampled_from(BAD)), min_size=2, max_size=5)
)
def test_each_as_alone(jobs: list[Any]) -> None:
    alike = AlikeJobs(SETTINGS, NOW)
    for job in jobs:
        assert outcome(alike.load, job) == outcome(lambda one: load_job(one, settings=SETTINGS, now=NOW), job)


@pytest.mark.parametrize("job", _BASES)
def test_the_second_is_a_value_of_its_own(job: dict[str, Any]) -> None:
    alike = AlikeJobs(SETTINGS, NOW)
    first, second = alike.load(job), alike.load({**job, "message": "another"})
    assert first == load_job(job, settings=SETTINGS, now=NOW)
    assert second == load_job({**job, "message": "another"}, settings=SETTINGS, now=NOW)
