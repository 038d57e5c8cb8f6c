"""Jobs that are alike: an application hands in thousands of single messages that differ in recipient, text and key.

What they share is checked with the first of them.
"""

from __future__ import annotations

import dataclasses
import marshal
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from campaigns.jobs.checking import context_of, load_job
from campaigns.jobs.values import Job, QuickJob
from campaigns.recipients import mobile_phone
from campaigns.settings import Settings
from campaigns.text.wellformed import TextRule, key_problem, text_problem

#: The fields in which alike jobs may differ; each is checked for each job.
_OWN: Final = frozenset({"phone", "delivery_list", "message", "key"})
#: A format of `marshal` in which equal values have equal bytes.
_MARSHAL_VERSION: Final = 2
#: After this time a job is checked again, although it is like the one before it.
_RECENT: Final = timedelta(seconds=1)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

#: What alike jobs share: their other fields, and which of the fields above they have.
_Shared = tuple[bytes, frozenset[str]]


class AlikeJobs:
    """Checks jobs as `load_job` does, each like the one before it where the two are alike.

    `now`: the time by which all of them are checked.
    """

    def __init__(self, settings: Settings, now: datetime) -> None:
        self._settings = settings
        self.now = now
        self._shared: _Shared | None = None
        self._values: dict[str, Any] = {}
        self._rule = TextRule(0)

    def load(self, data: Mapping[str, Any]) -> Job:
        """The checked job. Raises JobError."""
        shared = _shared(data)
        if shared is not None and shared == self._shared and self._own_fields_are_usual(data):
            return self._like_the_last(data)
        job = load_job(data, settings=self._settings, now=self.now)
        if shared is not None and isinstance(job, QuickJob):
            self._shared = shared
            values = {one.name: getattr(job, one.name) for one in dataclasses.fields(job)}
            # A copy: what is written into this job must not show in those like it.
            self._values = {**values, "fields": dict(job.fields)}
            self._rule = context_of(data, self._settings, self.now).text_rule
        return job

    def _like_the_last(self, data: Mapping[str, Any]) -> QuickJob:
        form = dict(self._values["fields"])
        if "message" in data:
            form["message"] = data["message"]
        rows = data["delivery_list"] if "delivery_list" in data else [data["phone"]]
        return QuickJob(**{**self._values, "fields": form, "delivery_list": rows})

    def _own_fields_are_usual(self, data: Mapping[str, Any]) -> bool:
        """Whether they are what most jobs have, and without a mistake."""
        key = data.get("key")
        if key is not None and key_problem(key) is not None:
            return False
        return all(self._is_usual(name, data[name]) for name in ("message", "phone", "delivery_list") if name in data)

    def _is_usual(self, name: str, value: Any) -> bool:
        if name == "delivery_list":
            return type(value) is list and set(map(type, value)) == {str} and text_problem("".join(value)) is None
        if type(value) is not str:
            return False
        if name == "message":
            return self._rule.problem(value) is None
        return mobile_phone(value, self._settings.phone_region) is not None


class RecentJobs(threading.local):
    """Checks the jobs that a thread hands in one by one as `load_job` does, each like the one before it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._alike = AlikeJobs(settings, _NEVER)

    def load(self, data: Mapping[str, Any], now: datetime) -> Job:
        """The checked job. Raises JobError."""
        # What has been checked is dropped after a moment, since times pass.
        if not timedelta(0) <= now - self._alike.now < _RECENT:
            self._alike = AlikeJobs(self._settings, now)
        return self._alike.load(data)


def _shared(data: Mapping[str, Any]) -> _Shared | None:
    """What a job shares with alike ones; None if it is not compared: it has a file, or values of unusual types."""
    if type(data) is not dict or data.get("kind") != "quick" or "image" in data:
        return None
    try:
        others = marshal.dumps({name: value for name, value in data.items() if name not in _OWN}, _MARSHAL_VERSION)
    except ValueError:
        return None
    return others, _OWN & data.keys()
