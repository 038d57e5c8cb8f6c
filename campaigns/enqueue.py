"""Enqueueing: a job is checked, planned and stored whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from campaigns.acts import APPLICATION
from campaigns.campaign import Campaign
from campaigns.errors import (
    JobError,
    KeyConflictError,
    PlanUnderWayError,
    StateError,
    StoreError,
    UnknownCampaignError,
)
from campaigns.flow.scheduling.dispatch import ring
from campaigns.jobs.typed import AnyJob
from campaigns.jobs.values import Job
from campaigns.ledger import SEND, NewBatch, Plan, Stored, drop_plan, queue_of
from campaigns.ledger import Campaign as Record
from campaigns.ledger.states import ABANDONED, PLANNING
from campaigns.planning.planner import Exclusion, Planner, Step
from campaigns.preparing.job import (
    Chosen,
    Recipients,
    all_mistakes,
    checked_job,
    draft_reason,
    key_of,
    made,
    planner_of,
    rows_of,
    started,
)
from campaigns.preparing.small_campaigns import (
    SMALL,
    Whole,
    check_counts,
    first_steps,
    looked_up_later,
    may_be_whole,
    new_batch,
    plan_of,
    rouse,
    store_whole,
    whole_of,
)
from campaigns.services import Services

_BATCHES_PER_STORE = 50


def enqueue(
    services: Services,
    job: AnyJob,
    *,
    key: str | int | None = None,
    recipients: Recipients = None,
    strict: bool = False,
    columns: Chosen = None,
    encoding: str | None = None,
    start: str | None = None,
    by: str = APPLICATION,
) -> Campaign:
    """Check a job, store it whole, and wake the workers. When this returns, nothing can lose it.

    A job is a mapping. Written as `BulkJob`, `QuickJob` or `ListJob`, a type checker looks at it as well. `key` (or the
    field `key` of the job) makes it repeatable: the same key with the same job is the same campaign, also when its time
    has passed meanwhile; with another job KeyConflictError. A key is remembered for `key_retention_s` after its
    campaign ended; the campaign itself may have expired by then. `recipients` (any iterable, or a path to a table,
    which is CSV or .xlsx, or to JSON lines) become the delivery list of a job that has a single mailing without one. Of
    a table, `columns` says which column is which, such as `{"phone": "Телефон 1"}` (also `text` and `button_link`; a
    number counts from 1), and `encoding` how it is written where that cannot be found out; a file is read as a whole or
    refused. With `strict`, a single recipient who would be taken out (invalid, duplicate, opted out) refuses the job.
    `by` is who hands it in. With `start="draft"` (or the field `start` of the job), and where the settings ask for it,
    nothing goes out before somebody else approves it: then the campaign's `status().state` is `draft`, and
    `draft_reason` says why.

    Raises JobError with every error at once, and then nothing is stored; StoreError if Redis cannot be
    reached. Then nothing is stored either, unless it was the very last answer that got lost: only a repetition
    with the same key is safe, which finds the campaign or enqueues it.
    """
    job = started(job, start)
    with all_mistakes(services, job, recipients):
        own_key, rows = key_of(job, key), rows_of(job, recipients, columns, encoding)
    try:
        return _enqueue(services, job, own_key, rows, strict, _wait, by)
    except StateError:
        # A replica without the plan took the primary's place, or the plan stood still for longer than its lease.
        problem = "the store lost the plan while it was made; nothing was stored"
    raise StoreError(problem)


def enqueue_without_waiting(
    services: Services, job: Mapping[str, Any], *, key: str | None, strict: bool, of_message: bool
) -> Campaign:
    """`enqueue` for a worker, which must not wait for somebody else who plans the job of this key.

    With `of_message` the key is the id of the message that brought the job: then the other one reads the same
    message, or died over it, and its plan is taken over. Raises PlanUnderWayError besides what `enqueue` raises.
    """
    try:
        return _enqueue(services, job, key, None, strict, _take_over if of_message else _leave)
    except StateError:
        # Another delivery of this message took the plan over while it was made here.
        raise PlanUnderWayError("of this message") from None


#: What to do about a campaign whose plan somebody else makes: returns when it is worth another look.
_Patience = Callable[[Services, Record], None]


def _wait(services: Services, _record: Record) -> None:
    services.sleep(0.2)


def _leave(_services: Services, record: Record) -> None:
    raise PlanUnderWayError(record.id)


def _take_over(services: Services, record: Record) -> None:
    """Safe also while the other one lives: without the plan, what it still writes is refused."""
    drop_plan(services.store, record.id, key=record.fields.get("key"), token=record.fields.get("plan_token", ""))


def _enqueue(
    services: Services,
    job: Mapping[str, Any],
    key: str | None,
    recipients: Iterable[Any] | None,
    strict: bool,
    patience: _Patience,
    by: str = APPLICATION,
) -> Campaign:
    try:
        checked = made(checked_job(services, job, recipients), by)
    except JobError:
        if key is None or (owner := services.campaigns.of_key(key)) is None:
            raise
        # What may have changed since it was enqueued, such as the time, does not make another job of it.
        again = checked_job(services, job, recipients, anew=False)
        if (found := _same_campaign(services, owner, key, again, patience)) is not None:
            return found
        raise
    while True:
        owner, mine = _stored(services, checked, key, strict)
        if mine:
            return Campaign.of(services, owner)
        if (found := _same_campaign(services, owner, str(key), checked, patience)) is not None:
            return found


def enqueue_checked(services: Services, job: Job, key: str) -> Campaign:
    """Store a job that was checked, and wake the workers. Nobody else has its key. Raises JobError, StoreError."""
    owner, _ = _stored(services, job, key, strict=False)
    return Campaign.of(services, owner)


def _stored(services: Services, job: Job, key: str | None, strict: bool) -> tuple[str, bool]:
    """The id of the campaign that has the key, and whether it is the one that was stored here."""
    if (whole := looked_up_later(services, job, key, strict=strict)) is not None:
        stored = _stored_whole(services, whole)
        if not stored.opted_out:
            return stored.owner, stored.mine
    opted_out = services.optouts.checker()
    planner = planner_of(services, job, opted_out)
    if not may_be_whole(job):
        return _stored_bit_by_bit(services, job, key, opted_out.version, planner, planner.steps(), strict)
    first, others = first_steps(planner)
    if len(first) >= SMALL:
        return _stored_bit_by_bit(services, job, key, opted_out.version, planner, chain(first, others), strict)
    check_counts(services, job, planner.counts, strict=strict)
    if (whole := whole_of(services, job, key, first, planner, opted_out)) is None:
        return _stored_bit_by_bit(services, job, key, opted_out.version, planner, first, strict)
    stored = _stored_whole(services, whole)
    return stored.owner, stored.mine


def _stored_whole(services: Services, whole: Whole) -> Stored:
    (stored,) = store_whole(services, [whole])
    if isinstance(stored, StoreError):
        raise stored
    return stored


def _stored_bit_by_bit(
    services: Services, job: Job, key: str | None, optouts: str, planner: Planner, steps: Iterable[Step], strict: bool
) -> tuple[str, bool]:
    plan = plan_of(services, job, key)
    owner = plan.owner(services.store.run(*plan.opening(optouts)))
    if owner != plan.campaign_id:
        return owner, False
    _fill(services, plan, job, planner, steps, strict=strict)
    rouse(queue_of(SEND, job.kind), partial(ring, services))
    return owner, True


def _same_campaign(services: Services, owner: str, key: str, job: Job, patience: _Patience) -> Campaign | None:
    """The campaign that has the key, if its job is this one; None if it was given up. Raises KeyConflictError."""
    record = _planned(services, owner, patience)
    digest = services.campaigns.digest_of_key(key) if record is None else record.fields.get("digest")
    if record is None and digest is None:
        return None
    # Whether the window fits its recipients now is nothing to a campaign that is there.
    planner = planner_of(services, replace(job, window=None))
    for _ in planner.steps():
        pass
    if digest != planner.digest:
        raise KeyConflictError(key, owner)
    return Campaign.of(services, owner)


def _planned(services: Services, campaign_id: str, patience: _Patience) -> Record | None:
    """The campaign once its producer has planned it; None if that producer is gone and its plan dropped."""
    while True:
        try:
            record = services.campaigns.read(campaign_id)
        except UnknownCampaignError:
            return None
        if record.state == ABANDONED:
            return None
        if record.state != PLANNING:
            return record
        if drop_plan(services.store, campaign_id, key=record.fields.get("key")):
            return None
        patience(services, record)


def _fill(services: Services, plan: Plan, job: Job, planner: Planner, steps: Iterable[Step], *, strict: bool) -> None:
    """Plan the whole job. Whatever goes wrong, the plan is dropped: all of the campaign is stored, or nothing."""
    try:
        image = getattr(job, "image", None)
        if image is not None:
            plan.store_image(image)
        lead_ms = services.ms.schedule_lead
        waiting: list[NewBatch] = []
        for step in steps:
            if isinstance(step, Exclusion):
                plan.exclude(step.reason, step.rows)
                continue
            waiting.append(new_batch(step, planner.zoning, lead_ms))
            if len(waiting) >= _BATCHES_PER_STORE:
                plan.add(waiting)
                waiting.clear()
        plan.add(waiting)
        check_counts(services, job, planner.counts, strict=strict)
        plan.guard(planner.zoning.openings)
        draft = draft_reason(services.settings, job, planner.counts)
        plan.finish(planner.digest, planner.counts["total"], draft)
    except StoreError:
        # Whether the last step was carried out, its lost answer does not tell; that there is no plan any more does.
        if plan.drop() or not services.campaigns.exists(plan.campaign_id):
            raise
    except BaseException:
        plan.drop()
        raise
