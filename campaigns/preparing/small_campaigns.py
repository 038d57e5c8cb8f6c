"""Small campaigns, which are planned in memory before anything of them is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson

from campaigns.errors import AllInvalidError, JobError
from campaigns.jobs.values import Job, comes_as_stream, delivery_lists, job_document
from campaigns.ledger import (
    SEND,
    MailingRecord,
    NewBatch,
    OptOutChecker,
    Plan,
    WholePlan,
    queue_of,
    scopes_for,
)
from campaigns.planning.planner import Exclusion, PlannedBatch, Planner, Step
from campaigns.planning.zoning import Zoning
from campaigns.preparing.job import draft_reason, excludes_unreached, planner_of, refusals
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.statuses import TO_READ

#: A campaign with more steps than this is stored in several round trips, so that memory stays bounded.
SMALL: Final = 50
#: So is a campaign that excludes more recipients than this, because one script would record them all.
_MOST_EXCLUDED: Final = 500
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
