"""Small campaigns: planned in memory, and stored in one round trip, several at once if there are several."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson

from campaigns.errors import AllInvalidError, JobError, NotReplicatedError, StoreError
from campaigns.jobs.values import Job, comes_as_stream, delivery_lists, job_document
from campaigns.ledger import (
    SEND,
    MailingRecord,
    NewBatch,
    OptOutChecker,
    Plan,
    PlannedWhole,
    Stored,
    WholePlan,
    kept_back,
    queue_of,
    read_stored,
    scopes_for,
    storing_call,
)
from campaigns.planning.planner import Exclusion, PlannedBatch, Planner, Step
from campaigns.planning.zoning import Zoning
from campaigns.preparing.job import draft_reason, excludes_unreached, planner_of, refusals
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.statuses import TO_READ

log = logging.getLogger(__name__)

#: A campaign with more steps than this is stored in several round trips, so that memory stays bounded.
SMALL: Final = 50
#: So is a campaign that excludes more recipients than this, because one script would record them all.
_MOST_EXCLUDED: Final = 500
#: Batches after which a call of the script that stores campaigns is full. A campaign without any counts as one.
_BATCHES_PER_CALL: Final = 50
#: The excluded recipients that take about as long to list as a batch takes to store.
_EXCLUDED_PER_BATCH: Final = 20
#: The most phones that the script looks up in the suppression list while it stores their campaign.
_MOST_LOOKED_UP: Final = 100


class NotLookedUp:
    """Stands in for the suppression list: it collects the phones, and the script that stores them looks them up."""

    version: Final = ""

    def __init__(self) -> None:
        self.phones: list[str] = []

    def __call__(self, phones: Sequence[str]) -> Sequence[bool]:
        self.phones += phones
        return []


@dataclass(frozen=True, slots=True)
class SmallCampaign:
    """A small campaign that is planned, and the plan that stores it."""

    job: Job
    key: str | None
    plan: WholePlan
    zoning: Zoning


def may_be_small(job: Job) -> bool:
    """Whether a job may be planned before anything of it is stored: not if it has an image file or lazy recipients.

    Lazy recipients can be read only once, so they are read only after this campaign has got the key.
    """
    return getattr(job, "image", None) is None and not comes_as_stream(job)


def planned_without_optouts(
    services: Services, job: Job, key: str | None, *, strict: bool, now_ms: int | None = None
) -> SmallCampaign | None:
    """Plan a small campaign without asking for opt-outs; the script that stores it checks them.

    None if the campaign is not small, or breaks a limit that opt-outs might bring it below. `now_ms` (unix ms) is the
    time, if the caller has just read it. Raises StoreError."""
    if not may_be_small(job):
        return None
    if sum(len(rows) for rows in delivery_lists(job) if isinstance(rows, list)) > _MOST_LOOKED_UP:
        return None
    later = NotLookedUp()
    try:
        planner = planner_of(services, job, later, now_ms=now_ms)
        steps, _ = first_steps(planner)
        if len(steps) >= SMALL:
            return None
        check_counts(services, job, planner.counts, strict=strict)
    except JobError:
        return None  # once opted-out recipients are excluded, the job may keep to its limits
    return small_campaign(services, job, key, steps, planner, later)


def small_campaign(
    services: Services,
    job: Job,
    key: str | None,
    steps: Sequence[Step],
    planner: Planner,
    opted_out: NotLookedUp | OptOutChecker,
) -> SmallCampaign | None:
    """A small campaign, from the steps of its planner; None if it excludes too many recipients for one script, or has
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
        phones=opted_out.phones if isinstance(opted_out, NotLookedUp) else (),
        scopes=[scope.name for scope in scopes_for(job.account, job.topic)[1:]],
        draft=draft_reason(services.settings, job, planner.counts),
    )
    return SmallCampaign(job, key, plan, zoning)


def first_steps(planner: Planner) -> tuple[list[Step], Iterator[Step]]:
    """The first SMALL steps of a plan, and the rest: none for a small campaign. Raises JobError, StoreError."""
    steps = planner.steps()
    return list(islice(steps, SMALL)), steps


def plan_of(services: Services, job: Job, key: str | None, small: SmallCampaign | None = None) -> Plan:
    """A plan for a job, of which nothing is stored yet; `small` if the job is planned already."""
    return services.plans.new(
        kind=job.kind,
        account=job.account,
        queue=queue_of(SEND, job.kind),
        key=key,
        fields=dict([*_of_campaign(job), *(_guards(small) if small else ())]),
        of_batches=dict(_of_batches(services.settings, job)),
    )


def _of_campaign(job: Job) -> Iterator[tuple[str, str]]:
    yield "name", job.name or ""
    # Absent fields are left out, because applications store many single messages.
    yield "job", orjson.dumps({name: value for name, value in job_document(job).items() if value is not None}).decode()
    yield "by", job.made_by
    if job.weight != 1:
        yield "weight", str(job.weight)
    if job.spacing_ms is not None:
        yield "spacing_ms", f"{job.spacing_ms:.6f}"
    if job.test:
        yield "test", "1"
    if job.window is not None:
        yield "window", orjson.dumps(job.window.packed()).decode()


def _guards(small: SmallCampaign) -> Iterator[tuple[str, str]]:
    """Fields of the window and the canary. `Plan.guard` writes the same for a campaign that is stored in steps."""
    for zone, openings in small.zoning.openings.items():
        yield "zone", zone
        yield f"open:{zone}", openings
    if 0 < (canary := sum(batch.canary for batch in small.plan.batches)) < len(small.plan.batches):
        yield "canary", str(canary)


def _of_batches(settings: Settings, job: Job) -> Iterator[tuple[str, str]]:
    """Fields of the job that workers need with each batch."""
    if job.topic is not None:
        yield "topic", job.topic
    if job.correlation_id:
        yield "correlation_id", job.correlation_id
    if job.follow != TO_READ:
        yield "follow", job.follow
    if job.fallback_after_s is not None:
        yield "fallback_after_ms", str(job.fallback_after_s * 1000)
    if job.cap is not None:
        yield "cap", job.cap.packed()
    if excludes_unreached(settings, job):
        yield "suppresses", "1"
    if not job.replies:
        yield "wants_replies", "0"


def check_counts(services: Services, job: Job, counts: Mapping[str, int], *, strict: bool) -> None:
    """Compare the counted recipients with the job's limits. Raises JobError, and AllInvalidError if the job needs
    recipients and has no valid one."""
    if job.needs_recipients and 0 < counts["total"] == counts["invalid"]:
        raise AllInvalidError(counts["total"])
    if errors := refusals(services.settings, job, counts, strict=strict):
        raise JobError(errors)


def new_batch(step: PlannedBatch, zoning: Zoning, lead_ms: int) -> NewBatch:
    """The batch as the ledger stores it. A scheduled batch stays here until `lead_ms` before its time or until its
    window opens, because the gateway has no method that cancels."""
    mailings = tuple(
        MailingRecord(m.name, m.index, m.recipients, m.starts_at_ms, m.fingerprint, m.message_type, m.alias)
        for m in step.mailings
    )
    starts = [m.starts_at_ms for m in step.mailings if m.starts_at_ms is not None]
    not_before_ms = zoning.not_before_ms(step.zone, min(starts), lead_ms) if starts else 0
    return NewBatch(step.recipients, mailings, step.body, not_before_ms, step.zone, step.canary)


def store_small_campaigns(services: Services, campaigns: Sequence[SmallCampaign]) -> list[Stored | StoreError]:
    """Store campaigns in one round trip, all of each or nothing, and ring the workers.

    Returns what became of each, with the campaign that has its key; or a StoreError if the store failed. Nothing of
    that campaign is stored then, and a call that Redis has yet to process will not store it either. Raises StoreError
    if that cannot be ensured.
    """
    plans = [plan_of(services, small.job, small.key, small) for small in campaigns]
    wholes = [PlannedWhole(plan.head, small.plan) for plan, small in zip(plans, campaigns, strict=True)]
    groups = list(_groups(wholes))
    store, replicas = services.store, kept_back(services.store)
    try:
        answers = store.run_all_safely([storing_call(store.keys, group, replicas) for group in groups])
    except NotReplicatedError as error:
        return [_after_failed_replication(services, plan, error) for plan in plans]
    except StoreError as error:
        return [_after_lost_answer(services, plan, error) for plan in plans]
    found, to_ring = dict[str, Stored](), set[str]()
    for group, answer in zip(groups, answers, strict=True):
        stored, ring = read_stored(group, answer)
        found |= {whole.head.campaign_id: one for whole, one in zip(group, stored, strict=True)}
        to_ring |= {group[0].head.queue} if ring else set()
    for queue in sorted(to_ring):
        ring_safely(queue, services.ring)
    return [_result(plan, found[plan.campaign_id]) for plan in plans]


def _groups(wholes: Sequence[PlannedWhole]) -> Iterator[list[PlannedWhole]]:
    """The campaigns of each call. A call is short, since the server does nothing else meanwhile."""
    keys = [whole.head.key for whole in wholes if whole.head.key is not None]
    if len(set(keys)) < len(keys):
        # The first that has a key gets it.
        yield from ([whole] for whole in wholes)
        return
    together: dict[tuple[str, str, str], list[PlannedWhole]] = {}
    for whole in wholes:
        together.setdefault(whole.together, []).append(whole)
    for alike in together.values():
        yield from _short_groups(alike)


def _short_groups(alike: Sequence[PlannedWhole]) -> Iterator[list[PlannedWhole]]:
    group, size = list[PlannedWhole](), 0
    for whole in alike:
        group.append(whole)
        size += max(1, len(whole.whole.batches) + len(whole.whole.excluded) // _EXCLUDED_PER_BATCH)
        if size >= _BATCHES_PER_CALL:
            yield group
            group, size = [], 0
    if group:
        yield group


def _result(plan: Plan, stored: Stored) -> Stored | StoreError:
    if stored.revoked:
        return StoreError("an earlier call reported that nothing is stored, and revoked the plan")
    if stored.mine:
        plan.let_go()
    return stored


def _after_failed_replication(services: Services, plan: Plan, error: NotReplicatedError) -> Stored | StoreError:
    try:
        plan.take_back(error)
    except StoreError as problem:
        plan.drop()
        return problem
    # Too late to take it back: a part has been sent. Or it was never stored: another campaign had its key.
    return Stored(plan.campaign_id, mine=True) if services.campaigns.exists(plan.campaign_id) else error


def _after_lost_answer(services: Services, plan: Plan, error: StoreError) -> Stored | StoreError:
    """The result of a call whose answer was lost: the error if nothing of the campaign is in the store."""
    if plan.revoke() or not services.campaigns.exists(plan.campaign_id):
        return error
    return Stored(plan.campaign_id, mine=True)


def ring_safely(queue: str, ring: Callable[[str], object]) -> None:
    """Ring the workers of a queue. A failure is only logged, because beat rings for due work as well."""
    try:
        ring(queue)
    except Exception as error:  # noqa: BLE001 (the job is stored; an exception would make callers hand it in again)
        log.warning("bell_not_rung", extra={"queue": queue, "error": type(error).__name__})
