"""Enqueueing many jobs at once, for applications that have a thousand single messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from campaigns.acts import APPLICATION
from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.errors import CampaignsError, JobError, StoreError
from campaigns.jobs.typed import AnyJob
from campaigns.ledger import Stored
from campaigns.preparing.job import all_mistakes, checked_job, key_of, made, started
from campaigns.preparing.small_campaigns import Whole, looked_up_later, store_whole
from campaigns.services import Services

_JOBS_PER_ROUND_TRIP: Final = 200
#: What bounds the memory of a round trip: of single messages each job is one batch.
_BATCHES_PER_ROUND_TRIP: Final = 300


class Enqueued(NamedTuple):
    """What became of one of many jobs: its campaign, or why there is none."""

    campaign: Campaign | None
    error: CampaignsError | None


def enqueue_many(
    services: Services,
    jobs: Iterable[AnyJob],
    *,
    keys: Iterable[str | int | None] | None = None,
    strict: bool = False,
    start: str | None = None,
    by: str = APPLICATION,
) -> list[Enqueued]:
    """Enqueue many jobs, such as thousands of single messages, in a few round trips. One result a job, in their order.

    Each is checked, stored and repeatable by its key as by `enqueue`, and stands or falls alone: what is wrong with it
    is the `error` of its result, which is what `enqueue` would raise. `keys` gives one key a job, or None; `start` and
    `by` are `enqueue`'s, for each. Raises ValueError, before anything is stored, if there are not as many keys as jobs.
    """
    jobs = [started(job, start) for job in jobs]
    given = [None] * len(jobs) if keys is None else list(keys)
    if len(given) != len(jobs):
        raise ValueError(f"{len(jobs)} jobs, but {len(given)} keys")
    found: list[Enqueued] = []
    for first in range(0, len(jobs), _JOBS_PER_ROUND_TRIP):
        portion = slice(first, first + _JOBS_PER_ROUND_TRIP)
        try:
            many = _Many(services, strict, by)
        except StoreError as error:
            found += [Enqueued(None, error)] * len(jobs[portion])
        else:
            found += many.enqueue(jobs[portion], given[portion])
    return found


class _Many:
    """Some jobs that are stored in one round trip. Whatever is out of the ordinary goes the way of `enqueue`.

    Raises StoreError.
    """

    def __init__(self, services: Services, strict: bool, by: str) -> None:
        self._services = services
        self._strict = strict
        self._by = by
        self._now_ms = services.about_now_ms()

    def enqueue(self, jobs: Sequence[Mapping[str, Any]], keys: Sequence[str | int | None]) -> list[Enqueued]:
        found: list[Enqueued | None] = [None] * len(jobs)
        wholes: dict[int, Whole] = {}
        for n, (job, key) in enumerate(zip(jobs, keys, strict=True)):
            try:
                if (whole := self._whole(job, key)) is not None:
                    wholes[n] = whole
            except CampaignsError as error:
                found[n] = Enqueued(None, error)
            if (
                sum(len(whole.plan.batches) for whole in wholes.values()) >= _BATCHES_PER_ROUND_TRIP
                or n == len(jobs) - 1
            ):
                for place, stored in zip(wholes, self._stored(list(wholes.values())), strict=True):
                    found[place] = stored
                wholes.clear()
        return [one or self._alone(job, key) for one, job, key in zip(found, jobs, keys, strict=True)]

    def _whole(self, job: Mapping[str, Any], key: str | int | None) -> Whole | None:
        """The job, planned; None if that is for `enqueue` alone. Raises JobError, StoreError."""
        with all_mistakes(self._services, job):
            own = key_of(job, key)
        try:
            checked = made(checked_job(self._services, job, None, now_ms=self._now_ms), self._by)
        except JobError:
            if own is None:
                raise
            return None  # its key may be known, and its time have passed since
        return looked_up_later(self._services, checked, own, strict=self._strict, now_ms=self._now_ms)

    def _stored(self, wholes: Sequence[Whole]) -> list[Enqueued | None]:
        """The result of each; None where another campaign has its key, or somebody of it is opted out."""
        if not wholes:
            return []
        try:
            stored = store_whole(self._services, wholes)
        except StoreError as error:
            return [Enqueued(None, error)] * len(wholes)
        return [self._result(one) for one in stored]

    def _result(self, stored: Stored | StoreError) -> Enqueued | None:
        if isinstance(stored, StoreError):
            return Enqueued(None, stored)
        return Enqueued(Campaign.of(self._services, stored.owner), None) if stored.mine else None

    def _alone(self, job: Mapping[str, Any], key: str | int | None) -> Enqueued:
        try:
            campaign = enqueue(self._services, job, key=key, strict=self._strict, by=self._by)
            return Enqueued(campaign, None)
        except CampaignsError as error:
            return Enqueued(None, error)
