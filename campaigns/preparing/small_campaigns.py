"""Small campaigns: planned in memory and stored in one round trip, many of them at once if there are many."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson

from campaigns.errors import JobError, NotReplicatedError, StoreError
from campaigns.jobs.values import Job, comes_as_stream, delivery_lists, job_document
from campaigns.ledger import SEND, MailingRecord, NewBatch, Plan, Stored, WholePlan, queue_of
from campaigns.ledger.optouts import Checker
from campaigns.planning.planner import Exclusion, PlannedBatch, Planner, Step
from campaigns.planning.zoning import Zoning
from campaigns.preparing.job import draft_reason, planner_of, refusals
from campaigns.services import Services
from campaigns.statuses import TO_READ

log = logging.getLogger(__name__)

#: A campaign of more steps than this is planned bit by bit, so that memory does not grow with its recipients.
SMALL: Final = 50
#: A campaign that excludes more recipients than this, too: one script records them all.
_MOST_EXCLUDED: Final = 500
#: Phones that the store looks up in the opt-outs while it stores their campaign.
_MOST_LOOKED_UP: Final = 100


class LookedUpLater:
    """Opt-outs that are not asked for: the store looks the phones up itself, in the step that stores them."""

    version: Final = ""

    def __init__(self) -> None:
        self.phones: list[str] = []

    def __call__(self, phones: Sequence[str]) -> Sequence[bool]:
        self.phones += phones
        return []


@dataclass(frozen=True, slots=True)
class Whole:
    """A small campaign, planned, and the plan that stores it."""

    job: Job
    key: str | None
    plan: WholePlan
    zoning: Zoning


def may_be_whole(job: Job) -> bool:
    """Whether a job may be planned before anything of it is stored: not if it has a file, or a stream of recipients.

    A stream can be read once, so it is not read before it is known that this campaign has the key.
    """
    return getattr(job, "image", None) is None and not comes_as_stream(job)


def looked_up_later(
    services: Services, job: Job, key: str | None, *, strict: bool, now_ms: int | None = None
) -> Whole | None:
    """A small campaign as if nobody were opted out, which the store finds out while it stores it; None where that will
    not do. `now_ms` (unix ms) is the time, if the caller knows it. Raises StoreError."""
    if not may_be_whole(job):
        return None
    if sum(len(rows) for rows in delivery_lists(job) if isinstance(rows, list)) > _MOST_LOOKED_UP:
        return None
    later = LookedUpLater()
    try:
        planner = planner_of(services, job, later, now_ms=now_ms)
        steps, _ = first_steps(planner)
        if len(steps) >= SMALL:
            return None
        check_counts(services, job, planner.counts, strict=strict)
    except JobError:
        return None  # without those who are opted out it may keep to its limits
    return whole_of(services, job, key, steps, planner, later)


def whole_of(
    services: Services,
    job: Job,
    key: str | None,
    steps: Sequence[Step],
    planner: Planner,
    opted_out: LookedUpLater | Checker,
) -> Whole | None:
    """A small campaign, from what its planner found; None if one step cannot store it: it excludes too many, or has
    several zones."""
    lead_ms, zoning = services.ms.schedule_lead, planner.zoning
    excluded = [(step.reason, row) for step in steps if isinstance(step, Exclusion) for row in step.rows]
    if len(excluded) > _MOST_EXCLUDED or len(zoning.openings) > 1:
        return None
    plan = WholePlan(
        batches=[new_batch(step, zoning, lead_ms) for step in steps if not isinstance(step, Exclusion)],
        excluded=excluded,
        digest=planner.digest,
        optouts=opted_out.version,
        phones=opted_out.phones if isinstance(opted_out, LookedUpLater) else (),
        draft=draft_reason(services.settings, job, planner.counts),
    )
    return Whole(job, key, plan, zoning)


def first_steps(planner: Planner) -> tuple[list[Step], Iterator[Step]]:
    """The first steps of a plan, and the others; a small campaign has no others. Raises JobError, StoreError."""
    steps = planner.steps()
    return list(islice(steps, SMALL)), steps


def plan_of(services: Services, job: Job, key: str | None, whole: Whole | None = None) -> Plan:
    """A plan for a job, of which nothing is stored yet; `whole` if all of it is known."""
    return services.plans.new(
        kind=job.kind,
        account=job.account,
        queue=queue_of(SEND, job.kind),
        key=key,
        fields=dict([*_of_campaign(job), *(_guards(whole) if whole else ())]),
        of_batches=dict(_of_batches(job)),
    )


def _of_campaign(job: Job) -> Iterator[tuple[str, str | bytes]]:
    yield "name", job.name or ""
    # What is not said is left out: of single messages there are many.
    yield "job", orjson.dumps({name: value for name, value in job_document(job).items() if value is not None})
    yield "by", job.made_by
    if job.weight != 1:
        yield "weight", str(job.weight)
    if job.spacing_ms is not None:
        yield "spacing_ms", f"{job.spacing_ms:.6f}"
    if job.test:
        yield "test", "1"
    if job.window is not None:
        yield "window", orjson.dumps(job.window.packed())


def _guards(whole: Whole) -> Iterator[tuple[str, str]]:
    """What keeps batches back: `Plan.guard` writes the same of a campaign that is planned bit by bit."""
    for zone, openings in whole.zoning.openings.items():
        yield "zone", zone
        yield f"open:{zone}", openings
    if 0 < (canary := sum(batch.canary for batch in whole.plan.batches)) < len(whole.plan.batches):
        yield "canary", str(canary)


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
    return NewBatch(step.recipients, mailings, step.body, not_before_ms, step.zone, step.canary)


def store_whole(services: Services, wholes: Sequence[Whole]) -> list[Stored | StoreError]:
    """Store campaigns in one round trip, each whole or not at all, and rouse workers.

    Returns for each the campaign that has its key and what became of it; where the store failed, the error. Then
    nothing is stored, and will not be by calls that are still under way. Raises StoreError if nobody knows that.
    """
    plans = [plan_of(services, whole.job, whole.key, whole) for whole in wholes]
    calls = [plan.storing(whole.plan) for plan, whole in zip(plans, wholes, strict=True)]
    try:
        answers = services.store.run_all_safely(calls)
    except NotReplicatedError as error:
        return [_taken_back(services, plan, error) for plan in plans]
    except StoreError as error:
        return [_found(services, plan, error) for plan in plans]
    stored = [Stored.read(plan.campaign_id, answer) for plan, answer in zip(plans, answers, strict=True)]
    for queue in sorted({plan.head.queue for plan, one in zip(plans, stored, strict=True) if one.ring}):
        rouse(queue, services.ring)
    return [_kept(plan, one) for plan, one in zip(plans, stored, strict=True)]


def _kept(plan: Plan, stored: Stored) -> Stored | StoreError:
    if stored.revoked:
        return StoreError("its caller was told that nothing is stored")
    if stored.mine:
        plan.let_go()
    return stored


def _taken_back(services: Services, plan: Plan, error: NotReplicatedError) -> Stored | StoreError:
    try:
        plan.take_back(error)
    except StoreError as problem:
        plan.drop()
        return problem
    # Nothing to take back: something of it has gone out, or another campaign had its key.
    return Stored(plan.campaign_id, mine=True) if services.campaigns.exists(plan.campaign_id) else error


def _found(services: Services, plan: Plan, error: StoreError) -> Stored | StoreError:
    """Whether the call was carried out its lost answer does not tell; that there is nothing of it does."""
    if plan.revoke() or not services.campaigns.exists(plan.campaign_id):
        return error
    return Stored(plan.campaign_id, mine=True)


def rouse(queue: str, ring: Callable[[str], object]) -> None:
    """Ring for what is stored. No failure leaves: beat rings for what is due without this."""
    try:
        ring(queue)
    except Exception as error:  # noqa: BLE001 (an exception would say that the job was not taken, and it would come again)
        log.warning("bell_not_rung", extra={"queue": queue, "error": type(error).__name__})
