"""Small campaigns: planned in memory and stored in one round trip, many of them at once if there are many."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from campaigns.errors import JobError, NotReplicatedError, StoreError
from campaigns.flow.services import Services
from campaigns.jobs import Job, comes_as_stream, job_document
from campaigns.ledger import SEND, MailingRecord, NewBatch, Plan, queue_of
from campaigns.planning import PlannedBatch, Planner, Step, TakenOut
from campaigns.preparing import draft_reason, refusals
from campaigns.statuses import TO_READ
from campaigns.store import ScriptCall
from campaigns.zoning import Zoning

log = logging.getLogger(__name__)

#: A campaign of more steps than this is planned bit by bit, so that memory does not grow with its recipients.
SMALL: Final = 50


@dataclass(frozen=True, slots=True)
class Whole:
    """A small campaign, planned. `optouts` is the version of the opt-outs before anybody was looked up in them.

    `draft` is why it waits for somebody to approve it, or ''.
    """

    job: Job
    key: str | None
    steps: Sequence[Step]
    digest: str
    total: int
    optouts: str
    draft: str
    zoning: Zoning


def may_be_whole(job: Job) -> bool:
    """Whether a job may be planned before anything of it is stored: not if it has a file, or a stream of recipients.

    A stream can be read once, so it is not read before it is known that this campaign has the key.
    """
    return getattr(job, "image", None) is None and not comes_as_stream(job)


def whole_of(
    services: Services, job: Job, key: str | None, steps: Sequence[Step], planner: Planner, optouts: str
) -> Whole:
    """A small campaign, from what its planner found."""
    draft = draft_reason(services.settings, job, planner.counts)
    return Whole(job, key, steps, planner.digest, planner.counts["total"], optouts, draft, planner.zoning)


def first_steps(planner: Planner) -> tuple[list[Step], Iterator[Step]]:
    """The first steps of a plan, and the others; a small campaign has no others. Raises JobError, StoreError."""
    steps = planner.steps()
    return list(islice(steps, SMALL)), steps


def opening_of(services: Services, job: Job, key: str | None, optouts: str) -> tuple[Plan, ScriptCall]:
    """A plan for a job, and the call that opens it."""
    return services.plans.opening(
        kind=job.kind,
        account=job.account,
        queue=queue_of(SEND, job.kind),
        name=job.name or "",
        job=orjson.dumps(job_document(job)),
        key=key,
        weight=job.weight,
        made_by=job.made_by,
        spacing_ms=job.spacing_ms,
        test=job.test,
        window=orjson.dumps(job.window.packed()) if job.window else None,
        of_batches=dict(_of_batches(job)),
        optouts=optouts,
    )


def _of_batches(job: Job) -> Iterator[tuple[str, str]]:
    """What workers need to know of the job with each of its batches."""
    if job.correlation_id:
        yield "correlation_id", job.correlation_id
    if job.follow != TO_READ:
        yield "follow", job.follow
    if not job.replies:
        yield "wants_replies", "0"


def check_counts(services: Services, job: Job, counts: Mapping[str, int], *, strict: bool) -> None:
    """Hold a job against its limits, once everybody is counted. Raises JobError."""
    if errors := refusals(services.settings, job, counts, strict=strict):
        raise JobError(errors)


def new_batch(step: PlannedBatch, zoning: Zoning, lead_ms: int) -> NewBatch:
    """What is scheduled stays here until `lead_ms` before its time, or until its window opens: the gateway cannot
    cancel."""
    mailings = tuple(
        MailingRecord(m.name, m.index, m.recipients, m.starts_at_ms, m.fingerprint, m.message_type, m.alias)
        for m in step.mailings
    )
    starts = [m.starts_at_ms for m in step.mailings if m.starts_at_ms is not None]
    not_before_ms = zoning.not_before_ms(step.zone, min(starts), lead_ms) if starts else 0
    return NewBatch(step.recipients, mailings, step.body, not_before_ms, step.zone)


def store_whole(services: Services, wholes: Sequence[Whole]) -> list[tuple[str, bool] | StoreError]:
    """Store campaigns, each whole or not at all, and rouse workers.

    Returns for each the id of the campaign that has its key, and whether that is its own, now stored. Where the store
    failed, it returns the error. Raises StoreError if nobody knows what became of them; what is
    not stored whole is never sent.
    """
    opened = [opening_of(services, whole.job, whole.key, whole.optouts) for whole in wholes]
    parts = [
        [opening, *_filling(services, plan, whole), plan.finishing(whole.digest, whole.total, whole.draft)]
        for whole, (plan, opening) in zip(wholes, opened, strict=True)
    ]
    plans = [plan for plan, _ in opened]
    queues = sorted({queue_of(SEND, whole.job.kind) for whole in wholes})
    rings = [services.turns.ringing(queue) for queue in queues]
    try:
        answers = _carried_out(services, parts, rings)
    except NotReplicatedError as error:
        return [_taken_back(services, plan, error) for plan in plans]
    except StoreError as error:
        return [_found(services, plan, error) for plan in plans]
    for queue, bell in zip(queues, answers[-1], strict=True):
        if bell:
            rouse(queue, services.wake)
    return [_result(plan, part, answer) for plan, part, answer in zip(plans, parts, answers, strict=False)]


def _result(plan: Plan, part: Sequence[ScriptCall], answers: Sequence[Any]) -> tuple[str, bool] | StoreError:
    owner = plan.owner(answers[0])
    if owner != plan.campaign_id:
        return owner, False
    if not _whole(part, answers):
        plan.drop()
        return StoreError("the store lost the plan while it was made; nothing was stored")
    plan.let_go()
    return owner, True


def _filling(services: Services, plan: Plan, whole: Whole) -> Iterator[ScriptCall]:
    lead_ms = round(services.settings.schedule_lead_s * 1000)
    for step in whole.steps:
        if isinstance(step, TakenOut):
            yield from plan.taking_out(step.reason, step.rows)
        else:
            yield plan.adding(new_batch(step, whole.zoning, lead_ms))
    if whole.zoning.openings:
        yield plan.opening_windows(whole.zoning.openings)


def _carried_out(services: Services, parts: Sequence[list[ScriptCall]], rings: list[ScriptCall]) -> list[list[Any]]:
    """The answers of each part, and of the rings. Carried out again where the server knew only some of the scripts.

    Then their order was another one, which the last step of each plan notices: it ends nothing that is not complete.
    """
    for _ in range(2):
        found = iter(services.store.run_all_safely([call for part in [*parts, rings] for call in part]))
        answers = [list(islice(found, len(part))) for part in [*parts, rings]]
        if all(_whole(part, answer) for part, answer in zip(parts, answers, strict=False)):
            break
    return answers


def _whole(part: Sequence[ScriptCall], answers: Sequence[Any]) -> bool:
    """Whether a campaign is stored, or another one has its key."""
    campaign_id = part[0][2][0]
    return bool(answers[-1] == 1 or Plan.owner(answers[0]) != campaign_id)


def _taken_back(services: Services, plan: Plan, error: NotReplicatedError) -> tuple[str, bool] | StoreError:
    try:
        plan.take_back(error)
    except StoreError as problem:
        plan.drop()
        return problem
    # Nothing to take back: something of it has gone out, or another campaign had its key.
    return (plan.campaign_id, True) if services.campaigns.exists(plan.campaign_id) else error


def _found(services: Services, plan: Plan, error: StoreError) -> tuple[str, bool] | StoreError:
    """Whether the last step was carried out its lost answer does not tell; that there is no plan any more does."""
    if plan.revoke() or plan.drop() or not services.campaigns.exists(plan.campaign_id):
        return error
    return plan.campaign_id, True


def rouse(queue: str, ring: Callable[[str], object]) -> None:
    """Ring for what is stored. No failure leaves: beat rings for what is due without this."""
    try:
        ring(queue)
    except Exception as error:  # noqa: BLE001 (an exception would say that the job was not taken, and it would come again)
        log.warning("bell_not_rung", extra={"queue": queue, "error": type(error).__name__})
