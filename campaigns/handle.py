"""The handle of a campaign: where it is, what each phone got, pause, resume, cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson

from campaigns.acts import APPLICATION, Act, Deed
from campaigns.errors import StoreError, WaitTimeoutError
from campaigns.flow.dispatch import ring
from campaigns.flow.resolve import RESOLUTIONS, decide
from campaigns.flow.services import Services
from campaigns.flow.sweep import poll_now, sweep_campaign
from campaigns.ledger import SEND, Reason, queue_of, reasons_of, schedule_of
from campaigns.ledger import Campaign as Record
from campaigns.ledger.states import HELD, OVER, PLANNED, REJECTED
from campaigns.names import POLL, REPLIES
from campaigns.results import Delivery, Full, Reply
from campaigns.wiring import default_services

#: A restart of Redis takes less; whoever only waits need not hear of it.
_RESTART_S = 10.0


@dataclass(frozen=True, slots=True)
class Status:
    """Where a campaign is. `recipients` counts each recipient in exactly one class; `total` is their sum.

    `sent` = `final` + `awaiting`. `statuses` counts deliveries by the gateway's word. `costs` is what the
    gateway reported so far, by currency; `cost` and `currency` are the same where there is one currency.
    `unreadable` counts parts of answers that could not be used: rows, replies, names. `duplicates` counts messages
    that went out twice, because a request that was sent again had arrived after all. `account_rests_until` and
    `account_rests_why` tell if nothing goes out for the account at the moment. `errors` is the error tree of an
    `invalid` campaign.

    `scheduled_at` are the times for which mailings are scheduled, the earliest first. `out_of_reach` counts the
    recipients whose mailing waits at the gateway for such a time, the last of them until `out_of_reach_until`: the
    gateway has no method that cancels, so neither `pause` nor `cancel` stops them.

    `events_full_since` tells that sending pauses because the event stream is full of what `events_full_group` has yet
    to read. That is no state of the campaign, and ends by itself once there is room.

    `requests` counts paid requests by their state, as `recipients` counts people. `reasons` tell why some were
    refused or are held, and whether the gateway said so or a limit here; a list of campaigns comes without them.

    `correlation_id` is the job's, or empty.
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
    duplicates: int
    replies: int
    batches: int
    cost: Decimal | None
    currency: str
    balanced: bool
    created_at: datetime
    ended_at: datetime | None
    account_rests_until: datetime | None
    account_rests_why: str
    errors: dict[str, Any]
    scheduled_at: tuple[datetime, ...] = ()
    out_of_reach: int = 0
    out_of_reach_until: datetime | None = None
    costs: dict[str, Decimal] = field(default_factory=dict)
    unreadable: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    events_full_since: datetime | None = None
    events_full_group: str = ""
    correlation_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: times as ISO 8601, the cost as text."""
        plain = asdict(self)
        plain["created_at"] = self.created_at.isoformat()
        for name in ("ended_at", "account_rests_until", "out_of_reach_until", "events_full_since"):
            plain[name] = plain[name].isoformat() if plain[name] else None
        plain["scheduled_at"] = [moment.isoformat() for moment in self.scheduled_at]
        plain["cost"] = str(self.cost) if self.cost is not None else None
        plain["costs"] = {currency: str(amount) for currency, amount in self.costs.items()}
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
        """Counts, state, and the reasons of what was refused or is held."""
        record = self._record()
        resting = None if record.over else self._services.limiter.resting(record.account)
        status = _status(self._services, record, resting, None if record.over else self._services.events.full())
        return replace(status, reasons=reasons_of(self._services.batches, record))

    def status_after_restart(self, patience_s: float = _RESTART_S) -> Status:
        """The same for whoever has time: tries again for `patience_s` seconds while Redis is away."""
        until = time.monotonic() + patience_s
        while True:
            try:
                return self.status()
            except StoreError:
                if time.monotonic() >= until:
                    raise
            self._services.sleep(0.2)

    def deliveries(self) -> Iterator[Delivery]:
        """Every message to every phone, one by one; memory does not grow with their number."""
        return self._services.deliveries.of_campaign(self._record())

    def replies(self) -> list[Reply]:
        """Replies so far, oldest first."""
        return self._services.replies.of_campaign(self.id)

    def taken_out(self) -> Iterator[tuple[str, str, str]]:
        """Recipients who are not messaged: reason, place in the job, phone as it was handed in.

        The place of who opted out after planning is the batch that they stood in.
        """
        return self._services.campaigns.taken_out(self.id)

    def wait(self, timeout_s: float | None = None, *, poll_s: float = 0.25) -> Status:
        """Wait until nothing more will happen by itself. Raises WaitTimeoutError after `timeout_s` seconds.

        A restart of Redis of up to 10 seconds is waited out.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            status = self.status_after_restart()
            if status.state in OVER:
                return status
            if until is not None and time.monotonic() >= until:
                raise WaitTimeoutError(self.id, status.state, timeout_s or 0)
            self._services.sleep(poll_s)

    def pause(self, by: str = APPLICATION, why: str = "") -> None:
        """No further batch goes out; what is at the gateway is followed. Raises StateError if it is over.

        What waits at the gateway for its time goes out all the same: `status().out_of_reach` says how much, and
        until when.
        """
        self._services.campaigns.pause(self.id, by, why)

    def resume(self, by: str = APPLICATION, why: str = "") -> None:
        """Batches go out again. Raises StateError if the campaign is over.

        While the event stream is full nothing goes out all the same: see `status().events_full_since`.
        """
        self._services.campaigns.resume(self.id, by, why)
        sweep_campaign(self._services, self._record())
        ring(self._services, queue_of(SEND, self._record().kind))

    def cancel(self, by: str = APPLICATION, why: str = "") -> Status:
        """What has not gone out never will; what has is reported, not denied. Raises StateError if it is over.

        `out_of_reach` of the status that is returned counts what waits at the gateway for its time and goes out all
        the same.
        """
        self._services.campaigns.cancel(self.id, by, why)
        sweep_campaign(self._services, self._record())
        return self.status()

    def poll(self) -> int:
        """Ask the gateway now for statuses and replies, whenever that would be due. Returns for how many batches."""
        polled = poll_now(self._services, self._record())
        for queue in (POLL, REPLIES):
            ring(self._services, queue)
        return len(polled)

    def resolve(self, decision: str, *, by: str, why: str, batch_id: str | None = None) -> int:
        """Decide what became of requests that are held, all of them or one batch. Returns how many batches changed.

        `sent`: the gateway has them. `resend`: they never arrived, send them again, and pay again if that was
        wrong. `write-off`: nobody will ever know. `by` and `why` go into the event. Raises ValueError for another
        decision.
        """
        if decision not in RESOLUTIONS:
            raise ValueError(f"decision must be one of {', '.join(RESOLUTIONS)}")
        act = Act(Deed.BATCH_RESOLVED, self.id, by, why, decision)
        return decide(self._services, self._record(), HELD, RESOLUTIONS[decision], act, batch_id)

    def retry(self, *, by: str, why: str, batch_id: str | None = None) -> int:
        """Plan batches again that the gateway refused, all of them or one. Returns how many."""
        act = Act(Deed.BATCH_RETRIED, self.id, by, why)
        return decide(self._services, self._record(), REJECTED, PLANNED, act, batch_id)

    def _record(self) -> Record:
        return self._services.campaigns.read(self.id)


def list_campaigns(limit: int = 20, *, services: Services | None = None) -> list[Status]:
    """The newest campaigns, newest first. Raises StoreError."""
    return list(islice(newest_campaigns(services=services), limit))


def newest_campaigns(*, services: Services | None = None) -> Iterator[Status]:
    """All campaigns that are kept, newest first, read a page at a time. Raises StoreError."""
    services = services or default_services()
    pauses: dict[str, tuple[int, str] | None] = {}
    full = services.events.full()
    for record in services.people.campaigns(None):
        if not record.over and record.account not in pauses:
            pauses[record.account] = services.limiter.resting(record.account)
        yield (
            _status(services, record, None, None)
            if record.over
            else _status(services, record, pauses[record.account], full)
        )


def _status(services: Services, record: Record, resting: tuple[int, str] | None, full: Full | None) -> Status:
    final = record.number("final")
    ended_ms = record.number("ended_ms")
    schedule = schedule_of(services.batches, record, services.now_ms)
    costs = record.costs
    currency, amount = next(iter(costs.items())) if len(costs) == 1 else ("", None)
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
        duplicates=record.number("duplicates"),
        replies=record.number("replies"),
        unreadable=record.number("unreadable"),
        batches=record.batches,
        cost=amount,
        currency=currency,
        costs=costs,
        balanced=record.balanced,
        created_at=_moment(record.number("created_ms")),
        ended_at=_moment(ended_ms) if ended_ms else None,
        account_rests_until=_moment(resting[0]) if resting else None,
        account_rests_why=resting[1] if resting else "",
        requests=record.requests,
        errors=orjson.loads(record.fields.get("errors") or "{}"),
        scheduled_at=tuple(_moment(time_ms) for time_ms in schedule.times_ms),
        out_of_reach=schedule.out_of_reach,
        out_of_reach_until=_moment(schedule.until_ms) if schedule.until_ms else None,
        events_full_since=_moment(full.since_ms) if full else None,
        events_full_group=full.group if full else "",
        correlation_id=record.fields.get("correlation_id", ""),
    )


def _moment(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, tz=UTC)
