"""Enqueueing many jobs at once, for applications that send thousands of single messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from campaigns.acts import APPLICATION
from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.errors import CampaignsError, JobError, StoreError
from campaigns.flow.threads import Threads
from campaigns.jobs.alike import AlikeJobs
from campaigns.jobs.typed import AnyJob
from campaigns.ledger import Stored
from campaigns.preparing.job import all_mistakes, checked_job, handed_in, key_of, with_start
from campaigns.preparing.small_campaigns import SmallCampaign, planned_without_optouts
from campaigns.preparing.storing import Storing, store, storing
from campaigns.services import Services

_JOBS_PER_ROUND_TRIP: Final = 200
#: Bounds the memory of a round trip. A job with a single message is one batch.
_BATCHES_PER_ROUND_TRIP: Final = 300


class Enqueued(NamedTuple):
    """The result for one job: its campaign, or the error that stopped it. The other field is None."""

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
    """Enqueue many jobs, such as thousands of single messages, in a few round trips. Returns one result per job,
    in order.

    Each job is checked and stored on its own, and is repeatable by its key, as with `enqueue`. A failed job does not
    affect the others: the `error` of its result is the exception that `enqueue` would raise. `keys` has one key (or
    None) per job. `strict`, `start` and `by` apply to every job as in `enqueue`. Raises ValueError if the numbers of
    keys and jobs differ, and SettingsError; nothing is stored then.
    """
    jobs = [with_start(job, start) for job in jobs]
    given = [None] * len(jobs) if keys is None else list(keys)
    if len(given) != len(jobs):
        raise ValueError(f"{len(jobs)} jobs, but {len(given)} keys")
    many = _Many(services, strict, by)
    if len(jobs) <= _JOBS_PER_ROUND_TRIP:
        return [result for group in many.planned(jobs, given) for result in many.store(group, many.storing(group))]
    return list(many.stored_meanwhile(many.planned(jobs, given)))


class _Entry(NamedTuple):
    """A job and its key. `small` is its plan if it is a small campaign, `error` what is wrong with it."""

    job: Mapping[str, Any]
    key: str | int | None
    small: SmallCampaign | None = None
    error: CampaignsError | None = None


class _Many:
    """Plans jobs in groups, and stores each group in one round trip. A job that is not small, or whose key is known,
    goes through `enqueue`."""

    def __init__(self, services: Services, strict: bool, by: str) -> None:
        self._services = services
        self._strict = strict
        self._by = by

    def planned(self, jobs: Sequence[Mapping[str, Any]], keys: Sequence[str | int | None]) -> Iterator[list[_Entry]]:
        """The jobs in groups. If the store cannot be reached, the entries of a group have that error and no plan."""
        for first in range(0, len(jobs), _JOBS_PER_ROUND_TRIP):
            last = first + _JOBS_PER_ROUND_TRIP
            pairs = list(zip(jobs[first:last], keys[first:last], strict=True))
            try:
                now_ms = self._services.about_now_ms()
            except StoreError as error:
                yield [_Entry(job, key, error=error) for job, key in pairs]
            else:
                alike = AlikeJobs(self._services.settings, datetime.fromtimestamp(now_ms / 1000, tz=UTC))
                yield from _bounded(self._entry(job, key, now_ms, alike) for job, key in pairs)

    def stored_meanwhile(self, groups: Iterable[Sequence[_Entry]]) -> Iterator[Enqueued]:
        """Store each group in a thread while this one plans the next, which takes about as long."""
        with closing(Threads[list[Enqueued]]()) as thread:
            for group in groups:
                # All that computes is done here, because two threads that compute hold each other up.
                act = partial(self.store, group, self.storing(group))
                yield from _results(thread.ended(None))
                try:
                    thread.begin(act)
                except RuntimeError:  # no further thread can start, as at a limit of processes
                    yield from act()
            yield from _results(thread.ended(None))

    def storing(self, group: Sequence[_Entry]) -> Storing:
        """What is to be stored of a group."""
        return storing(self._services, [entry.small for entry in group if entry.small is not None])

    def store(self, group: Sequence[_Entry], those: Storing) -> list[Enqueued]:
        """Store a group in one round trip, then enqueue one by one the jobs that could not be stored that way."""
        stored = iter(self._store_small(those))
        found = [
            Enqueued(None, entry.error) if entry.error else next(stored) if entry.small else None for entry in group
        ]
        return [result or self._alone(entry.job, entry.key) for result, entry in zip(found, group, strict=True)]

    def _entry(self, job: Mapping[str, Any], key: str | int | None, now_ms: int, alike: AlikeJobs) -> _Entry:
        try:
            return _Entry(job, key, self._plan_small(job, key, now_ms, alike))
        except CampaignsError as error:
            return _Entry(job, key, error=error)

    def _plan_small(
        self, job: Mapping[str, Any], key: str | int | None, now_ms: int, alike: AlikeJobs
    ) -> SmallCampaign | None:
        """The planned job; None if only `enqueue` can handle it. Raises JobError, StoreError."""
        with all_mistakes(self._services, job):
            own = key_of(job, key)
        try:
            checked = handed_in(checked_job(self._services, job, None, now_ms=now_ms, alike=alike), self._by)
        except JobError:
            if own is None:
                raise
            return None  # perhaps a known key whose job has a time that has passed since
        return planned_without_optouts(self._services, checked, own, strict=self._strict, now_ms=now_ms)

    def _store_small(self, those: Storing) -> list[Enqueued | None]:
        """The result of each; None where another campaign has its key, or one of its recipients is opted out."""
        if not those.plans:
            return []
        try:
            stored = store(self._services, those)
        except StoreError as error:
            return [Enqueued(None, error)] * len(those.plans)
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


def _results(ended: Iterable[list[Enqueued] | BaseException]) -> Iterator[Enqueued]:
    for results in ended:
        if isinstance(results, BaseException):
            raise results
        yield from results


def _bounded(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    """Groups that have no more batches than one round trip may carry."""
    group, batches = list[_Entry](), 0
    for entry in entries:
        group.append(entry)
        batches += len(entry.small.plan.batches) if entry.small else 0
        if batches >= _BATCHES_PER_ROUND_TRIP:
            yield group
            group, batches = [], 0
    if group:
        yield group
