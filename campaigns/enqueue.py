"""Enqueueing: check a job, plan it, and store all of it or nothing."""

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
from campaigns.ledger import SEND, NewBatch, Plan, Stored, drop_plan, queue_of, scopes_for
from campaigns.ledger import Campaign as Record
from campaigns.ledger.states import ABANDONED, PLANNING
from campaigns.planning.planner import Exclusion, Planner, Step
from campaigns.preparing.job import (
    ColumnChoice,
    Recipients,
    all_mistakes,
    checked_job,
    draft_reason,
    handed_in,
    key_of,
    planner_of,
    rows_of,
    with_start,
)
from campaigns.preparing.small_campaigns import (
    SMALL,
    SmallCampaign,
    check_counts,
    first_steps,
    may_be_small,
    new_batch,
    plan_of,
    planned_without_optouts,
    small_campaign,
)
from campaigns.preparing.storing import ring_safely, store, storing
from campaigns.services import Services

_BATCHES_PER_STORE = 50


def enqueue(
    services: Services,
    job: AnyJob,
    *,
    key: str | int | None = None,
    recipients: Recipients = None,
    strict: bool = False,
    columns: ColumnChoice = None,
    encoding: str | None = None,
    start: str | None = None,
    by: str = APPLICATION,
) -> Campaign:
    """Check a job, store all of it in Redis, and ring the workers. Once this returns, a crash cannot lose the job.

    `job` is a mapping; annotate it as `BulkJob`, `QuickJob` or `ListJob` to have a type checker find misspelt fields.
    `key` (or the job's field `key`) makes the call repeatable: the same key with the same job returns the same
    campaign, even if the job's scheduled time has passed since; with a different job it raises KeyConflictError. A key
    expires `key_retention_s` after its campaign ends; the campaign itself may expire earlier.

    `recipients` becomes the delivery list of a job with a single mailing that has none: any iterable, or the path of a
    table (CSV or .xlsx) or of JSON lines, of which every line must be readable. `columns` names a table's columns, such
    as `{"phone": "Телефон 1"}` (also `text` and `button_link`; a number counts from 1), `encoding` the file's encoding.

    `strict` refuses the job if any recipient would be excluded (invalid, duplicate, opted out, capped). `by` names the
    person or program that hands the job in. With `start="draft"`, or where the settings require approval, nothing is
    sent until a different person approves: `status().state` is `draft`, and `status().draft_reason` says why.

    Raises JobError with every mistake at once, KeyConflictError, and SettingsError; nothing is stored then. Raises
    StoreError if Redis cannot be reached or refuses a write; nothing is stored then either, except when Redis stored
    the job and only its last answer was lost. Repeat the call with the same key: it finds the campaign or enqueues it.
    """
    job = with_start(job, start)
    with all_mistakes(services, job, recipients):
        own_key, rows = key_of(job, key), rows_of(job, recipients, columns, encoding)
    return _enqueue_waiting(services, job, own_key, rows, strict, by)


def enqueue_of_person(
    services: Services,
    job: AnyJob,
    *,
    key: str | None,
    recipients: Iterable[Any] | None,
    strict: bool,
    start: str | None,
    by: str,
) -> Campaign:
    """`enqueue` for the command. A person who hands in recipients of whom none is valid has made a mistake, such as a
    wrong column of phones: raises AllInvalidError then, and nothing is stored."""
    job = with_start(job, start)
    with all_mistakes(services, job, recipients):
        own_key = key_of(job, key)
    return _enqueue_waiting(services, job, own_key, recipients, strict, by, needs_recipients=True)


def _enqueue_waiting(
    services: Services,
    job: Mapping[str, Any],
    key: str | None,
    recipients: Iterable[Any] | None,
    strict: bool,
    by: str,
    *,
    needs_recipients: bool = False,
) -> Campaign:
    try:
        return _enqueue(services, job, key, recipients, strict, _wait, by, needs_recipients=needs_recipients)
    except StateError:
        # A failover to a replica that lacked the plan, or planning that paused for longer than its lease.
        problem = "the store lost the plan before it was complete; nothing was stored"
    raise StoreError(problem)


def enqueue_without_waiting(
    services: Services, job: Mapping[str, Any], *, key: str | None, strict: bool, of_message: bool
) -> Campaign:
    """`enqueue` for a worker, which must not wait while another process plans the job of this key.

    With `of_message` the key is the id of the message that brought the job. The other process then reads the same
    message, or died while reading it, so its plan is dropped and the job is planned here. Raises PlanUnderWayError
    besides what `enqueue` raises.
    """
    try:
        return _enqueue(services, job, key, None, strict, _drop_its_plan if of_message else _give_up)
    except StateError:
        # A worker that got the same message again dropped the plan that was made here.
        raise PlanUnderWayError("of this message") from None


#: What to do while another process plans the campaign. Returns when its record is worth reading again.
_Meanwhile = Callable[[Services, Record], None]


def _wait(services: Services, _record: Record) -> None:
    services.sleep(0.2)


def _give_up(_services: Services, record: Record) -> None:
    raise PlanUnderWayError(record.id)


def _drop_its_plan(services: Services, record: Record) -> None:
    """Safe even if the other process lives: its later writes are refused, because the plan is gone."""
    drop_plan(services.store, record.id, key=record.fields.get("key"), token=record.fields.get("plan_token", ""))


def _enqueue(
    services: Services,
    job: Mapping[str, Any],
    key: str | None,
    recipients: Iterable[Any] | None,
    strict: bool,
    meanwhile: _Meanwhile,
    by: str = APPLICATION,
    *,
    needs_recipients: bool = False,
) -> Campaign:
    try:
        checked = handed_in(checked_job(services, job, recipients), by, needs_recipients=needs_recipients)
    except JobError:
        if key is None or (owner := services.campaigns.of_key(key)) is None:
            raise
        # A job that was valid when it was enqueued, and whose time has passed since, is still the same job.
        again = checked_job(services, job, recipients, is_new=False)
        if (found := _same_campaign(services, owner, key, again, meanwhile)) is not None:
            return found
        raise
    while True:
        owner, mine = _store(services, checked, key, strict)
        if mine:
            return Campaign.of(services, owner)
        if (found := _same_campaign(services, owner, str(key), checked, meanwhile)) is not None:
            return found


def enqueue_checked(services: Services, job: Job, key: str) -> Campaign:
    """Store a checked job under a key that no other campaign has, and ring the workers. Raises JobError, StoreError."""
    owner, _ = _store(services, job, key, strict=False)
    return Campaign.of(services, owner)


def _store(services: Services, job: Job, key: str | None, strict: bool) -> tuple[str, bool]:
    """Store the job. Returns the id of the campaign that has the key, and whether this call stored it."""
    if (small := planned_without_optouts(services, job, key, strict=strict)) is not None:
        stored = _store_small(services, small)
        if not stored.opted_out:
            return stored.owner, stored.mine
    opted_out = services.optouts.checker(scopes_for(job.account, job.topic))
    planner = planner_of(services, job, opted_out)
    if not may_be_small(job):
        return _store_in_steps(services, job, key, opted_out.version, planner, planner.steps(), strict)
    first, others = first_steps(planner)
    if len(first) >= SMALL:
        return _store_in_steps(services, job, key, opted_out.version, planner, chain(first, others), strict)
    check_counts(services, job, planner.counts, strict=strict)
    if (small := small_campaign(services, job, key, first, planner, opted_out)) is None:
        return _store_in_steps(services, job, key, opted_out.version, planner, first, strict)
    stored = _store_small(services, small)
    return stored.owner, stored.mine


def _store_small(services: Services, small: SmallCampaign) -> Stored:
    (stored,) = store(services, storing(services, [small]))
    if isinstance(stored, StoreError):
        raise stored
    return stored


def _store_in_steps(
    services: Services, job: Job, key: str | None, optouts: str, planner: Planner, steps: Iterable[Step], strict: bool
) -> tuple[str, bool]:
    plan = plan_of(services, job, key)
    owner = plan.owner(services.store.run(*plan.opening(optouts)))
    if owner != plan.campaign_id:
        return owner, False
    _fill(services, plan, job, planner, steps, strict=strict)
    ring_safely(queue_of(SEND, job.kind), partial(ring, services))
    return owner, True


def _same_campaign(services: Services, owner: str, key: str, job: Job, meanwhile: _Meanwhile) -> Campaign | None:
    """The campaign that has the key; None if its plan was abandoned. Raises KeyConflictError if its job differs."""
    record = _planned(services, owner, meanwhile)
    digest = services.campaigns.digest_of_key(key) if record is None else record.fields.get("digest")
    if record is None and digest is None:
        return None
    # The campaign exists, so whether its window fits its recipients need not be checked again.
    planner = planner_of(services, replace(job, window=None))
    for _ in planner.steps():
        pass
    if digest != planner.digest:
        raise KeyConflictError(key, owner)
    return Campaign.of(services, owner)


def _planned(services: Services, campaign_id: str, meanwhile: _Meanwhile) -> Record | None:
    """The campaign, once its producer has planned it; None if that producer died and its plan was dropped."""
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
        meanwhile(services, record)


def _fill(services: Services, plan: Plan, job: Job, planner: Planner, steps: Iterable[Step], *, strict: bool) -> None:
    """Store the plan of the whole job. Any failure drops the plan, so that nothing of the campaign stays stored."""
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
        # The answer to the last step was lost. If the plan is gone and the campaign exists, Redis carried it out.
        if plan.drop() or not services.campaigns.exists(plan.campaign_id):
            raise
    except BaseException:
        plan.drop()
        raise
