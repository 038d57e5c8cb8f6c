"""What follows from what a paid request brought back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from campaigns.errors import (
    AccountRefusedError,
    ContentRefusedError,
    DoubtError,
    GatewayError,
    NotWrittenError,
    TooManyRequestsError,
)
from campaigns.ledger import FETCH, LEASE, POLL_VERB, RECONCILE, SEND, Batch, Move
from campaigns.ledger.states import (
    ACCEPTED,
    CANCELLED,
    HELD,
    PLANNED,
    REJECTED,
    SENDING,
    UNKNOWN,
    WRITTEN_OFF,
)
from campaigns.settings import Settings

_LONGEST_BACKOFF_S: Final = 300.0
#: However long an account rests, what waits for it asks again after so long: a person may have woken it.
LONGEST_REST_S: Final = 30.0
#: A batch's field: when its first request in doubt was claimed (unix ms), once it was planned again.
RESENT: Final = "resent_ms"

#: States from which the owner of the fence may still record what it learned: its lease may have ended, and
#: others may have decided without it. Only a later attempt has another fence.
MAY_RECORD: Final[dict[str, frozenset[str]]] = {
    ACCEPTED: frozenset({SENDING, UNKNOWN, HELD, PLANNED, CANCELLED, WRITTEN_OFF}),
    REJECTED: frozenset({SENDING, UNKNOWN}),
    PLANNED: frozenset({SENDING, UNKNOWN}),
    UNKNOWN: frozenset({SENDING}),
}


@dataclass(frozen=True, slots=True)
class Rest:
    """The account is to be left alone: altogether, or with `paid_only` by requests that cost money."""

    seconds: float
    reason: str
    paid_only: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to record of the batch, and of its account."""

    move: Move
    outcome: str  # 'ok', 'failed' or '': whether the account's run of failures ends or grows
    used: bool  # whether a byte was written under the permit
    rest: Rest | None = None


def accepted(
    batch: Batch,
    now_ms: int,
    settings: Settings,
    *,
    uuid: str | None = None,
    message_ids: Mapping[int, int] | None = None,
) -> Verdict:
    """The gateway has it: follow it, from its schedule on if it has one."""
    starts_at_ms = max(batch.starts_at_ms, now_ms)
    first_ms = starts_at_ms - now_ms + round(settings.poll_min_s * 1000)
    # What was sent again after a doubt is watched: the first request may turn up after all.
    watch_ms = round(settings.settle_window_s * 1000) if RESENT in batch.fields else None
    due = {SEND: None, LEASE: None, RECONCILE: watch_ms, POLL_VERB: first_ms, FETCH: first_ms}
    fields: dict[str, str | int] = {"followed_ms": starts_at_ms, "text": ""}
    data: dict[str, object] = {}
    if uuid is not None:
        fields["uuid"] = data["uuid"] = uuid
    if message_ids is not None:
        named = {str(mailing): message_id for mailing, message_id in sorted(message_ids.items())}
        fields["message_ids"], data["message_ids"] = orjson.dumps(named).decode(), named
    return Verdict(Move(ACCEPTED, data=data, fields=fields, due=due), "ok", used=True)


def refused(error: GatewayError, batch: Batch, settings: Settings, chance: float) -> Verdict:
    """What follows from a request that did not succeed. `chance` in [0, 1) spreads the retries."""
    text = error.gateway_text or error.reason
    data = {"reason": error.reason, "gateway_text": error.gateway_text, "http_status": error.http_status}
    match error:
        case TooManyRequestsError():
            rest = Rest(error.retry_after_s or settings.penalty_s, "too many requests")
            return Verdict(_back(data, text, min(rest.seconds, LONGEST_REST_S)), "", used=True, rest=rest)
        case AccountRefusedError():
            # Without money or rights what was sent can still be followed; without a valid token nothing can.
            followed = error.http_status not in {401, 403}
            rest = Rest(settings.account_pause_s, f"refused: {text}", paid_only=followed)
            return Verdict(_back(data, text, min(rest.seconds, LONGEST_REST_S)), "", used=True, rest=rest)
        case ContentRefusedError():
            due = {SEND: None, LEASE: None, RECONCILE: None}
            return Verdict(Move(REJECTED, data, {"text": text}, due), "failed", used=True)
        case DoubtError():
            look_ms = round(settings.look_interval_s * 1000)
            due_unknown = {SEND: None, LEASE: None, RECONCILE: look_ms}
            return Verdict(Move(UNKNOWN, data, {"text": text}, due_unknown), "failed", used=True)
        case NotWrittenError():
            return Verdict(_back(data, text, backoff_s(batch.attempt, chance)), "failed", used=False)
        case _:
            return Verdict(_back(data, text, error.retry_after_s or 1.0), "", used=False)


def planned_again(batch: Batch, data: Mapping[str, object]) -> Move:
    """A request in doubt is to be sent again: by proof that it never arrived, or because a person says so."""
    first_ms = batch.fields.get(RESENT) or batch.number("claimed_ms")
    fields: dict[str, str | int] = {"watched": 0, "callback_ms": "", "callback_uuid": "", RESENT: first_ms}
    return Move(PLANNED, data, fields, {SEND: 0, RECONCILE: None})


def backoff_s(attempt: int, chance: float) -> float:
    """Seconds before attempt `attempt` is repeated: doubled each time up to five minutes, half of it chance."""
    longest = min(_LONGEST_BACKOFF_S, 2.0 ** min(attempt, 16))
    return longest * (0.5 + chance / 2)


def _back(data: dict[str, str | int | None], text: str, delay_s: float) -> Move:
    due = {SEND: round(delay_s * 1000), LEASE: None, RECONCILE: None}
    return Move(PLANNED, data, {"text": text}, due)
