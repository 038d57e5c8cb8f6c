"""The status of a campaign: its state and its counts, as the API, the command and the report show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from campaigns.events import Full
from campaigns.flow.scheduling.windows import closed_until_ms
from campaigns.ledger import Campaign as Record
from campaigns.ledger import Reason, schedule_of
from campaigns.ledger.states import DRAFT, PAUSED
from campaigns.services import Services

#: The gateway forwards after this time if a job states none.
_FORWARDING_MIN: Final = 60


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a campaign. `recipients` counts each recipient in exactly one class; `total` is the sum.

    `sent` = `final` + `awaiting`. `statuses` counts deliveries by the gateway's status. `costs` is what the gateway
    has reported so far, by currency; `cost` and `currency` repeat it where there is only one currency.
    `cost_drifted`: a message cost more on average than is expected, by more than `CAMPAIGNS_COST_DRIFT`. `unreadable`
    counts parts of answers that could not be used: rows, replies, names. `double_sends` counts messages that went out
    twice, because a request that was sent again had arrived after all. `errors` is the error tree of an `invalid`
    campaign.

    `account_paused_until` and `account_pause_reason` are set while the account is paused. `events_full_since` is set
    while sending pauses because the event stream is full of events that the group `events_full_group` has yet to
    read; sending resumes by itself once there is room.

    `scheduled_at` lists the times for which mailings are scheduled, earliest first. `out_of_reach` counts recipients
    whose mailing waits at the gateway for such a time, at the latest until `out_of_reach_until`. The gateway has no
    method that cancels, so neither `pause` nor `cancel` stops these.

    `requests` counts paid requests by state. `reasons` say why requests were refused or are held, and whether the
    gateway or a limit of this project is the cause; `list_campaigns` leaves them empty.

    `send_window` says in words when the campaign may go out, and is empty if at any time. `window_opens_at` is set
    while everything that is left to send waits for the window to open.

    `canary` is `under way`, `passed`, `failed`, or empty without a canary. `canary_until` is the time of the verdict,
    set once the whole canary was sent, and `canary_reason` explains the verdict; `canary_cause` has the same as a code
    and its facts, see `campaigns.text.causes`.

    While the campaign is paused, `pause_cause` is `person`, `canary` (it failed) or `over_budget` (a request of it
    costs more than the whole daily budget of its account); `paused_by` names the person, and `pause_reason` says why.

    `made_by` names the person or program that handed the job in. `draft_reason` says why a draft needs approval.
    `correlation_id` and `topic` are the job's, or empty. `test` marks a test of a job, sent to the caller's own phones.

    `forwards_after_min` is the number of minutes after which the gateway forwards a message as SMS if it is not
    delivered; None if the job does not ask for it. The gateway does not report which messages it forwarded.
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
    double_sends: int
    replies: int
    batches: int
    cost: Decimal | None
    currency: str
    balanced: bool
    created_at: datetime
    ended_at: datetime | None
    account_paused_until: datetime | None
    account_pause_reason: str
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
    topic: str = ""
    test: bool = False
    made_by: str = ""
    draft_reason: str = ""
    send_window: str = ""
    window_opens_at: datetime | None = None
    canary: str = ""
    canary_until: datetime | None = None
    canary_reason: str = ""
    canary_cause: Mapping[str, Any] = field(default_factory=dict)
    pause_cause: str = ""
    paused_by: str = ""
    pause_reason: str = ""
    cost_drifted: bool = False
    forwards_after_min: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values for JSON: times as ISO 8601, amounts of money as text."""
        plain = asdict(self)
        plain["created_at"] = self.created_at.isoformat()
        for name in (
            "ended_at",
            "account_paused_until",
            "out_of_reach_until",
            "events_full_since",
            "window_opens_at",
            "canary_until",
        ):
            plain[name] = plain[name].isoformat() if plain[name] else None
        plain["scheduled_at"] = [moment.isoformat() for moment in self.scheduled_at]
        plain["cost"] = str(self.cost) if self.cost is not None else None
        plain["costs"] = {currency: str(amount) for currency, amount in self.costs.items()}
        return plain


def status_of(services: Services, record: Record, account_pause: tuple[int, str] | None, full: Full | None) -> Status:
    """The status of a campaign. `account_pause` is the end of the account's pause (unix ms) and its reason, None if it
    is not paused; `full` describes a full event stream. Raises StoreError."""
    final, ended_ms = record.number("final"), record.number("ended_ms")
    schedule = schedule_of(services.batches, record, services.now_ms)
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
        double_sends=record.number("double_sends"),
        replies=record.number("replies"),
        unreadable=record.number("unreadable"),
        batches=record.batches,
        **_money(record),
        balanced=record.balanced,
        created_at=_moment(record.number("created_ms")),
        ended_at=_moment(ended_ms) if ended_ms else None,
        account_paused_until=_moment(account_pause[0]) if account_pause else None,
        account_pause_reason=account_pause[1] if account_pause else "",
        requests=record.requests,
        errors=orjson.loads(record.fields.get("errors") or "{}"),
        scheduled_at=tuple(_moment(time_ms) for time_ms in schedule.times_ms),
        out_of_reach=schedule.out_of_reach,
        out_of_reach_until=_moment(schedule.until_ms) if schedule.until_ms else None,
        events_full_since=_moment(full.since_ms) if full else None,
        events_full_group=full.group if full else "",
        **_window(services, record),
        **_canary(record),
        **_pause(record),
        **_origin(record),
        forwards_after_min=_forwards_after_min(record),
    )


def _money(record: Record) -> dict[str, Any]:
    currency, amount = next(iter(record.costs.items())) if len(record.costs) == 1 else ("", None)
    return {"cost": amount, "currency": currency, "costs": record.costs, "cost_drifted": "drifted" in record.fields}


def _forwards_after_min(record: Record) -> int | None:
    if record.kind != "quick" or (form := record.job.get("fields", {})).get("forwarding_message") != "1":
        return None
    return int(form.get("forwarding_time", _FORWARDING_MIN))


def _window(services: Services, record: Record) -> dict[str, Any]:
    """The fields about the window."""
    opens_ms = closed_until_ms(services, record)
    return {"send_window": str(record.window or ""), "window_opens_at": _moment(opens_ms) if opens_ms else None}


def _canary(record: Record) -> dict[str, Any]:
    """The fields about the canary."""
    until_ms = record.number("canary_until_ms")
    return {
        "canary": "under way" if record.canary_batches and not record.over else record.fields.get("canary_state", ""),
        "canary_until": _moment(until_ms) if until_ms and not record.over else None,
        "canary_reason": record.fields.get("canary_why", ""),
        "canary_cause": orjson.loads(record.fields.get("canary_cause") or "{}"),
    }


def _pause(record: Record) -> dict[str, Any]:
    """The fields about a pause."""
    if record.state != PAUSED:
        return {}
    if "pause" not in record.fields and record.fields.get("canary_state") == "failed":
        return {"pause_cause": "canary", "pause_reason": record.fields.get("canary_why", "")}
    pause = orjson.loads(record.fields.get("pause") or "{}")
    return {
        "pause_cause": pause.get("cause", "person"),
        "paused_by": pause.get("by", ""),
        "pause_reason": pause.get("why", ""),
    }


def _origin(record: Record) -> dict[str, Any]:
    """The fields about how the job was handed in."""
    return {
        "correlation_id": record.fields.get("correlation_id", ""),
        "topic": record.fields.get("topic", ""),
        "test": record.fields.get("test") == "1",
        "made_by": record.fields.get("by", ""),
        "draft_reason": record.fields.get("draft_why", "") if record.state == DRAFT else "",
    }


def _moment(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, tz=UTC)
