"""Enqueueing jobs, and the handle of a campaign."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from campaigns.errors import JobError, KeyConflictError, UnknownCampaignError, WaitTimeoutError
from campaigns.flow.services import Services
from campaigns.flow.sweep import sweep_campaign
from campaigns.jobs import Job, QuickJob, job_document
from campaigns.ledger import SEND, MailingRecord, NewBatch, Plan, drop_plan, queue_of
from campaigns.ledger import Campaign as Record
from campaigns.ledger.states import OVER, PLANNING
from campaigns.names import SEND_BATCH
from campaigns.planning import PlannedBatch, Planner, TakenOut
from campaigns.recipients import read_recipients
from campaigns.results import Delivery, Reply
from campaigns.schemas.jobs import load_job
from campaigns.wiring import default_services

_BATCHES_PER_STORE = 50
#: As many workers are woken at once; each goes on by itself, and beat's dispatch wakes the rest.
_FIRST_WAKE_UPS = 8


@dataclass(frozen=True, slots=True)
class Status:
    """Where a campaign is. `recipients` counts each recipient in exactly one class; `total` is their sum.

    `sent` = `final` + `awaiting`. `statuses` counts deliveries by the gateway's word. `cost` is what the
    gateway reported so far. `errors` is the error tree of an `invalid` campaign.
    """

    id: str
    name: str
    kind: str
    account: str
    state: str
    total: int
    recipients: dict[str, int]
    sent: int
    final: int
    awaiting: int
    statuses: dict[str, int]
    replies: int
    batches: int
    cost: Decimal | None
    currency: str
    balanced: bool
    created_at: datetime
    ended_at: datetime | None
    errors: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: times as ISO 8601, the cost as text."""
        plain = asdict(self)
        plain["created_at"] = self.created_at.isoformat()
        plain["ended_at"] = self.ended_at.isoformat() if self.ended_at else None
        plain["cost"] = str(self.cost) if self.cost is not None else None
        return plain


class Campaign:
    """A campaign that was enqueued. Cheap to make: `Campaign(id)` asks Redis only when it is used.

    Every method may raise UnknownCampaignError and StoreError.
    """

    def __init__(self, campaign_id: str, services: Services | None = None) -> None:
        self.id = campaign_id
        self._services = services or default_services()

    def __repr__(self) -> str:
        return f"Campaign({self.id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Campaign) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def status(self) -> Status:
        """Counts and state, in one round trip."""
        return _status(self._record())

    def deliveries(self) -> Iterator[Delivery]:
        """Every message to every phone, one by one; memory does not grow with their number."""
        return self._services.deliveries.of_campaign(self._record())

    def replies(self) -> list[Reply]:
        """Replies so far, oldest first."""
        return self._services.replies.of_campaign(self.id)

    def taken_out(self) -> Iterator[tuple[str, str, str]]:
        """Recipients who are not messaged: reason, place in the job, phone as it was handed in."""
        return self._services.campaigns.taken_out(self.id)

    def wait(self, timeout_s: float | None = None, *, poll_s: float = 0.25) -> Status:
        """Wait until nothing more will happen by itself. Raises WaitTimeoutError after `timeout_s` seconds."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            status = self.status()
            if status.state in OVER:
                return status
            if until is not None and time.monotonic() >= until:
                raise WaitTimeoutError(self.id, status.state, timeout_s or 0)
            self._services.sleep(poll_s)

    def pause(self, by: str = "application") -> None:
        """No further batch goes out; what is at the gateway is followed. Raises StateError if it is over."""
        self._services.campaigns.pause(self.id, by)

    def resume(self, by: str = "application") -> None:
        """Batches go out again. Raises StateError unless the campaign is paused."""
        self._services.campaigns.resume(self.id, by)
        sweep_campaign(self._services, self._record())
        _wake(self._services, self._record())

    def cancel(self, by: str = "application") -> Status:
        """What has not gone out never will; what has is reported, not denied. Raises StateError if it is over."""
        self._services.campaigns.cancel(self.id, by)
        sweep_campaign(self._services, self._record())
        return self.status()

    def _record(self) -> Record:
        return self._services.campaigns.read(self.id)


def enqueue(
    job: Mapping[str, Any],
    *,
    key: str | None = None,
    recipients: Iterable[Any] | Path | str | None = None,
    strict: bool = False,
    services: Services | None = None,
) -> Campaign:
    """Check a job, store it whole, and wake the workers. When this returns, nothing can lose it.

    `key` makes it repeatable: the same key with the same job is the same campaign, with another job
    KeyConflictError. `recipients` (any iterable, or a path to a CSV or JSON-lines file) become the
    delivery list of a job that has a single mailing without one. With `strict`, a single recipient who would
    be taken out (invalid, duplicate, opted out) refuses the job.

    Raises JobError with every error at once, and then nothing is stored; StoreError if Redis cannot be
    reached, and then the campaign will not go out, unless a repetition with the same key enqueues it.
    """
    services = services or default_services()
    if not isinstance(job, Mapping):
        raise JobError({"job": ["must be an object"]})
    document = _with_recipients(job, recipients)
    checked = load_job(document, settings=services.settings, now=_now(services))
    if key is not None and (owner := services.campaigns.of_key(key)) is not None:
        found = _same_campaign(services, owner, key, checked)
        if found is not None:
            return found
    plan = _open(services, checked, key)
    if isinstance(plan, str):
        found = _same_campaign(services, plan, str(key), checked)
        if found is not None:
            return found
        plan = _open(services, checked, key)
        if isinstance(plan, str):
            return Campaign(plan, services)
    _fill(services, plan, checked, strict=strict)
    _wake(services, services.campaigns.read(plan.campaign_id))
    return Campaign(plan.campaign_id, services)


def list_campaigns(limit: int = 20, *, services: Services | None = None) -> list[Status]:
    """The newest campaigns, newest first. Raises StoreError."""
    services = services or default_services()
    return [_status(record) for record in services.campaigns.newest(limit)]


def _with_recipients(job: Mapping[str, Any], recipients: Iterable[Any] | Path | str | None) -> dict[str, Any]:
    document = dict(job)
    if recipients is None:
        return document
    rows = read_recipients(recipients) if isinstance(recipients, (str, Path)) else recipients
    mailings = document.get("messages")
    if mailings is None:
        target: dict[str, Any] = document
    elif isinstance(mailings, list) and len(mailings) == 1 and isinstance(mailings[0], Mapping):
        target = dict(mailings[0])
        document["messages"] = [target]
    else:
        raise JobError({"recipients": ["can only be given for a job with a single mailing"]})
    if "delivery_list" in target:
        raise JobError({"recipients": ["the job has a delivery_list already"]})
    target["delivery_list"] = rows
    return document


def _now(services: Services) -> datetime:
    return datetime.fromtimestamp(services.now_ms() / 1000, tz=UTC)


def _open(services: Services, job: Job, key: str | None) -> Plan | str:
    return services.plans.open(
        kind=job.kind,
        account=job.account,
        queue=queue_of(SEND, job.kind),
        name=job.name or "",
        job=orjson.dumps(job_document(job)),
        key=key,
    )


def _same_campaign(services: Services, owner: str, key: str, job: Job) -> Campaign | None:
    """The campaign that has the key, if its job is this one; None if it was given up. Raises KeyConflictError."""
    record = _planned(services, owner)
    if record is None:
        return None
    planner = _planner(services, job)
    for _ in planner.steps():
        pass
    if record.fields.get("digest") != planner.digest:
        raise KeyConflictError(key, owner)
    return Campaign(owner, services)


def _planned(services: Services, campaign_id: str) -> Record | None:
    """The campaign once its producer has planned it; None if that producer is gone and its plan dropped."""
    while True:
        try:
            record = services.campaigns.read(campaign_id)
        except UnknownCampaignError:
            return None
        if record.state != PLANNING:
            return record
        if drop_plan(services.store, campaign_id, key=record.fields.get("key")):
            return None
        services.sleep(0.2)


def _planner(services: Services, job: Job) -> Planner:
    settings = services.settings
    return Planner(
        job,
        recipients_per_request=settings.recipients_per_request,
        region=settings.phone_region,
        timezone=settings.gateway_timezone,
        opted_out=services.optouts.among,
    )


def _fill(services: Services, plan: Plan, job: Job, *, strict: bool) -> None:
    """Plan the whole job. Whatever goes wrong, the plan is dropped: all of the campaign is stored, or nothing."""
    try:
        if isinstance(job, QuickJob) or job.kind == "list":
            image = getattr(job, "image", None)
            if image is not None:
                plan.store_image(image)
        planner = _planner(services, job)
        waiting: list[NewBatch] = []
        for step in planner.steps():
            if isinstance(step, TakenOut):
                plan.take_out(step.reason, step.rows)
                continue
            waiting.append(_new_batch(step))
            if len(waiting) >= _BATCHES_PER_STORE:
                plan.add(waiting)
                waiting.clear()
        plan.add(waiting)
        _check_counts(services, job, planner.counts, strict=strict)
        plan.finish(planner.digest)
    except BaseException:
        plan.drop()
        raise


def _new_batch(step: PlannedBatch) -> NewBatch:
    mailings = tuple(
        MailingRecord(m.name, m.index, m.recipients, m.starts_at_ms, m.fingerprint, m.message_type)
        for m in step.mailings
    )
    return NewBatch(step.recipients, mailings, step.body)


def _check_counts(services: Services, job: Job, counts: Mapping[str, int], *, strict: bool) -> None:
    """The limits that can only be checked once everybody is counted. Raises JobError."""
    errors: dict[str, list[str]] = {}
    out = {name: counts[name] for name in ("invalid", "duplicate", "opted_out") if counts[name]}
    if strict and out:
        listed = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in out.items())
        errors["delivery_list"] = [f"strict, but recipients would be taken out: {listed}"]
    if job.kind != "list":
        planned = counts["total"] - sum(out.values())
        if job.max_recipients is not None and planned > job.max_recipients:
            errors["max_recipients"] = [f"{planned} recipients, more than {job.max_recipients}"]
        price = services.settings.message_cost
        if job.max_cost is not None and price is not None and price * planned > job.max_cost:
            errors["max_cost"] = [f"expected cost {price * planned}, more than {job.max_cost}"]
    if job.max_cost is not None and services.settings.message_cost is None:
        errors["max_cost"] = ["cannot be checked: the setting message_cost is not set"]
    if errors:
        raise JobError(errors)


def _wake(services: Services, record: Record) -> None:
    queue = queue_of(SEND, record.kind)
    for batch_id in record.batch_ids()[:_FIRST_WAKE_UPS]:
        if not services.wake(SEND_BATCH, [batch_id], queue):
            return


def _status(record: Record) -> Status:
    final = record.number("final")
    ended_ms = record.number("ended_ms")
    return Status(
        id=record.id,
        name=record.name,
        kind=record.kind,
        account=record.account,
        state=record.state,
        total=record.total,
        recipients=record.recipients,
        sent=record.sent,
        final=final,
        awaiting=record.sent - final,
        statuses=record.statuses,
        replies=record.number("replies"),
        batches=record.batches,
        cost=record.cost,
        currency=record.fields.get("currency", ""),
        balanced=record.balanced,
        created_at=datetime.fromtimestamp(record.number("created_ms") / 1000, tz=UTC),
        ended_at=datetime.fromtimestamp(ended_ms / 1000, tz=UTC) if ended_ms else None,
        errors=orjson.loads(record.fields.get("errors") or "{}"),
    )
