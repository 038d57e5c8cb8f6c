"""Enqueueing many jobs at once, for applications that have a thousand single messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
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
#: Groups that wait to be stored while the next one is planned.
_GROUPS_AHEAD: Final = 1


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
    many, found, under_way = _Many(services, strict, by), list[Enqueued](), deque[Future[list[Enqueued]]]()
    # One thread stores what this one has planned. It mostly waits for the server, and keeps to the order of the jobs.
    with ThreadPoolExecutor(1, "enqueue_many") as storing:
        for group in many.planned(jobs, given):
            under_way.append(storing.submit(many.store, group))
            if len(under_way) > _GROUPS_AHEAD:
                found += under_way.popleft().result()
        return [*found, *chain.from_iterable(group.result() for group in under_way)]


class _One(NamedTuple):
    """A job under its key; what it becomes if it can be stored whole, or what is wrong with it."""

    job: Mapping[str, Any]
    key: str | int | None
    whole: Whole | None = None
    error: CampaignsError | None = None


class _Many:
    """Jobs that are planned in groups, each of which is stored in one round trip. A job that is out of the ordinary
    goes the way of `enqueue`."""

    def __init__(self, services: Services, strict: bool, by: str) -> None:
        self._services = services
        self._strict = strict
        self._by = by

    def planned(self, jobs: Sequence[Mapping[str, Any]], keys: Sequence[str | int | None]) -> Iterator[list[_One]]:
        """The jobs in groups. While the store cannot be reached, nothing is planned."""
        for first in range(0, len(jobs), _JOBS_PER_ROUND_TRIP):
            last = first + _JOBS_PER_ROUND_TRIP
            pairs = list(zip(jobs[first:last], keys[first:last], strict=True))
            try:
                now_ms = self._services.about_now_ms()
            except StoreError as error:
                yield [_One(job, key, error=error) for job, key in pairs]
            else:
                yield from _bounded(self._one(job, key, now_ms) for job, key in pairs)

    def store(self, group: Sequence[_One]) -> list[Enqueued]:
        """Store a group, and enqueue by itself whatever could not be stored with it."""
        stored = iter(self._stored([one.whole for one in group if one.whole is not None]))
        found = [Enqueued(None, one.error) if one.error else next(stored) if one.whole else None for one in group]
        return [result or self._alone(one.job, one.key) for result, one in zip(found, group, strict=True)]

    def _one(self, job: Mapping[str, Any], key: str | int | None, now_ms: int) -> _One:
        try:
            return _One(job, key, self._whole(job, key, now_ms))
        except CampaignsError as error:
            return _One(job, key, error=error)

    def _whole(self, job: Mapping[str, Any], key: str | int | None, now_ms: int) -> Whole | None:
        """The job, planned; None if that is for `enqueue` alone. Raises JobError, StoreError."""
        with all_mistakes(self._services, job):
            own = key_of(job, key)
        try:
            checked = made(checked_job(self._services, job, None, now_ms=now_ms), self._by)
        except JobError:
            if own is None:
                raise
            return None  # its key may be known, and its time have passed since
        return looked_up_later(self._services, checked, own, strict=self._strict, now_ms=now_ms)

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


def _bounded(ones: Iterable[_One]) -> Iterator[list[_One]]:
    """Groups that have no more batches than one round trip may carry."""
    group, batches = list[_One](), 0
    for one in ones:
        group.append(one)
        batches += len(one.whole.plan.batches) if one.whole else 0
        if batches >= _BATCHES_PER_ROUND_TRIP:
            yield group
            group, batches = [], 0
    if group:
        yield group
