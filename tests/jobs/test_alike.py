"""Jobs that are alike are checked as each alone would be."""

from __future__ import annotations

import enum
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import JobError
from campaigns.jobs import alike
from campaigns.jobs.alike import AlikeJobs, RecentJobs
from campaigns.jobs.checking import load_job
from campaigns.settings import Settings
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
    jobs_alike = AlikeJobs(SETTINGS, NOW)
    for job in jobs:
        assert outcome(jobs_alike.load, job) == outcome(lambda one: load_job(one, settings=SETTINGS, now=NOW), job)


@pytest.mark.parametrize("job", _BASES)
def test_the_second_is_a_value_of_its_own(job: dict[str, Any]) -> None:
    jobs_alike = AlikeJobs(SETTINGS, NOW)
    first, second = jobs_alike.load(job), jobs_alike.load({**job, "message": "another"})
    assert first == load_job(job, settings=SETTINGS, now=NOW)
    assert second == load_job({**job, "message": "another"}, settings=SETTINGS, now=NOW)


def test_what_is_written_into_one_does_not_show_in_the_next() -> None:
    jobs_alike = AlikeJobs(SETTINGS, NOW)
    first, second = (jobs_alike.load(quick_job(PHONE)) for _ in range(2))
    for job in (first, second):
        cast(dict[str, Any], job.fields)["vibername_id"] = "overwritten"
    assert jobs_alike.load(quick_job(PHONE)) == load_job(quick_job(PHONE), settings=SETTINGS, now=NOW)


class TestRecentJobs:
    """Jobs that come one by one."""

    @pytest.fixture
    def checked(self, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
        """The times by which jobs are checked from the beginning."""
        times: list[datetime] = []

        def noted(data: Any, *, settings: Settings, now: datetime) -> Any:
            times.append(now)
            return load_job(data, settings=settings, now=now)

        monkeypatch.setattr(alike, "load_job", noted)
        return times

    @pytest.mark.parametrize("later", [timedelta(0), timedelta(milliseconds=900)])
    def test_for_a_moment_what_is_alike_is_checked_once(self, checked: list[datetime], later: timedelta) -> None:
        recent = RecentJobs(SETTINGS)
        recent.load(quick_job(PHONE), NOW)
        assert recent.load(quick_job(PHONE, message="another"), NOW + later).fields["message"] == "another"
        assert checked == [NOW]

    @pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(days=1), timedelta(seconds=-1)])
    def test_then_it_is_checked_by_the_time_that_it_is(self, checked: list[datetime], later: timedelta) -> None:
        recent = RecentJobs(SETTINGS)
        recent.load(quick_job(PHONE), NOW)
        recent.load(quick_job(PHONE), NOW + later)
        assert checked == [NOW, NOW + later]

    def test_threads_share_nothing(self, checked: list[datetime]) -> None:
        recent = RecentJobs(SETTINGS)
        with ThreadPoolExecutor(1) as another:
            another.submit(recent.load, quick_job(PHONE), NOW).result()
        recent.load(quick_job(PHONE), NOW)
        assert checked == [NOW, NOW]
