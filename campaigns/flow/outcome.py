"""What follows from the answer to a paid request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from campaigns.accounts.pauses import Pause, pause_for
from campaigns.errors import (
    AccountRefusedError,
    ContentRefusedError,
    GatewayError,
    NotSentError,
    OutcomeUnknownError,
    TooManyRequestsError,
)
from campaigns.gateway.refusals import beyond_doubt
from campaigns.ledger import FALLBACK, FETCH, LEASE, POLL_VERB, RECONCILE, SEND, Batch, Move
from campaigns.ledger.reasons import HERE, REFUSED_BY
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
from campaigns.settings import Milliseconds, Settings

_LONGEST_BACKOFF_S: Final = 300.0
#: Cap on the delay of a batch whose account is paused, so that a person's resume is noticed in this time.
LONGEST_PAUSE_S: Final = 30.0
#: A batch is rejected after this many refusals that may be its own fault, while others of its account are accepted.
_REFUSALS: Final = 3
#: A batch's field: when its first request in doubt was claimed (unix ms), once it was planned again.
RESENT: Final = "resent_ms"

#: States from which the owner of the fence may still record its result: its lease may have ended, and another process
#: or a person may have decided meanwhile. A later attempt has another fence.
MAY_RECORD: Final[dict[str, frozenset[str]]] = {
    ACCEPTED: frozenset({SENDING, UNKNOWN, HELD, PLANNED, CANCELLED, WRITTEN_OFF}),
    REJECTED: frozenset({SENDING, UNKNOWN}),
    PLANNED: frozenset({SENDING, UNKNOWN}),
    UNKNOWN: frozenset({SENDING}),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to record for the batch, and for its account."""

    move: Move
    outcome: str  # 'ok', 'failed', 'refused' or '': what the request says of the account, see `Limiter.release_call`
    used: bool  # whether a byte was written under the permit
    pause: Pause | None = None
    why: str = ""  # what failed, for people who read why the account is paused
    message_ids: Mapping[int, int] = field(default_factory=dict)  # of mailings, which are yet to be recorded


def accepted(
    batch: Batch,
    now_ms: int,
    settings: Settings,
    *,
    uuid: str | None = None,
    message_ids: Mapping[int, int] | None = None,
) -> Verdict:
    """The gateway accepted the batch: it is followed, from its scheduled time on if it has one."""
    starts_at_ms = max(batch.starts_at_ms, now_ms)
    ms = Milliseconds(settings)
    first_ms = starts_at_ms - now_ms + ms.poll_min
    # The ids and errors of scheduled mailings are known before their time, so bulk batches are polled soon.
    poll_ms = first_ms if uuid is None else ms.poll_min
    # A batch that was sent again after a doubt is watched: its first request may have arrived too.
    watch_ms = ms.settle_window if RESENT in batch.fields else None
    fetch_ms = first_ms if batch.wants_replies else None
    due = {SEND: None, LEASE: None, RECONCILE: watch_ms, POLL_VERB: poll_ms, FETCH: fetch_ms}
    if batch.fallback_after_ms:
        due[FALLBACK] = starts_at_ms - now_ms + batch.fallback_after_ms
    fields: dict[str, str | int] = {"followed_ms": starts_at_ms, "text": ""}
    data: dict[str, object] = {}
    if uuid is not None:
        fields["uuid"] = data["uuid"] = uuid
    if message_ids is not None:
        named = {str(mailing): message_id for mailing, message_id in sorted(message_ids.items())}
        fields["message_ids"], data["message_ids"] = orjson.dumps(named).decode(), named
    return Verdict(Move(ACCEPTED, data=data, fields=fields, due=due), "ok", used=True)


def refused(error: GatewayError, batch: Batch, settings: Settings, chance: float, accepted_ms: int = 0) -> Verdict:
    """What follows from a request that did not succeed. `chance` in [0, 1) spreads the retries.

    `accepted_ms` is when the gateway last accepted a request of the account (unix ms).
    """
    text = error.gateway_text or error.reason
    data = {"reason": error.reason, "gateway_text": error.gateway_text, "http_status": error.http_status}
    pause = pause_for(error, settings, paid=True)
    match error:
        case AccountRefusedError():
            return _account_refused(error, batch, pause, data, chance, accepted_ms)
        case TooManyRequestsError():
            delay_s = min(pause.seconds, LONGEST_PAUSE_S) if pause else settings.penalty_s
            return Verdict(_back(data, text, delay_s), "", used=True, pause=pause)
        case ContentRefusedError():
            return _rejected(data, text, by_gateway=error.http_status is not None)
        case OutcomeUnknownError():
            due_unknown = {SEND: None, LEASE: None, RECONCILE: Milliseconds(settings).check_interval}
            return Verdict(Move(UNKNOWN, data, {"text": text}, due_unknown), "failed", True, pause, error.reason)
        case NotSentError():
            return Verdict(_back(data, text, backoff_s(batch.attempt, chance)), "failed", used=False, why=error.reason)
        case _:
            return Verdict(_back(data, text, error.retry_after_s or 1.0), "", used=False)


def _account_refused(
    error: GatewayError, batch: Batch, pause: Pause | None, data: dict[str, Any], chance: float, accepted_ms: int
) -> Verdict:
    """Planned again after the account's pause; rejected if only this batch is refused, again and again.

    Words such as "insufficient" or "access denied" may be about a picture, a link or a name, and not the account.
    """
    text = error.gateway_text or error.reason
    number, since_ms = batch.number("refusals") + 1, batch.number("refused_ms") or batch.number("claimed_ms")
    own = not beyond_doubt(error.http_status, error.gateway_text) and accepted_ms > since_ms
    if own and number >= _REFUSALS:
        return _rejected(data, text)
    delay_s = backoff_s(batch.attempt, chance)
    if pause is not None and not own:
        delay_s = min(pause.seconds, LONGEST_PAUSE_S)
    move = _back(data, text, delay_s, {"refusals": number, "refused_ms": since_ms})
    return Verdict(move, "", used=True, pause=None if own else pause)


def _rejected(data: dict[str, Any], text: str, *, by_gateway: bool = True) -> Verdict:
    """The batch is rejected. A refusal of our own, such as an expired body, says nothing about the gateway."""
    due = {SEND: None, LEASE: None, RECONCILE: None}
    who = "gateway" if by_gateway else HERE
    fields: dict[str, str | int] = {"text": text, "refusals": 0, "refused_ms": "", REFUSED_BY: who}
    outcome = "refused" if by_gateway else ""
    return Verdict(Move(REJECTED, data, fields, due), outcome, used=by_gateway, why=f"refused: {text}")


def planned_again(batch: Batch, data: Mapping[str, object]) -> Move:
    """Plan a request in doubt again: it is proven that it never arrived, or a person decided so."""
    first_ms = batch.fields.get(RESENT) or batch.number("claimed_ms")
    fields: dict[str, str | int] = {"watched": 0, "callback_ms": "", "callback_uuid": "", RESENT: first_ms}
    return Move(PLANNED, data, fields, {SEND: 0, RECONCILE: None})


def backoff_s(attempt: int, chance: float) -> float:
    """Seconds before attempt `attempt` is repeated: doubled each time up to five minutes, half of it chance."""
    longest = min(_LONGEST_BACKOFF_S, 2.0 ** min(attempt, 16))
    return longest * (0.5 + chance / 2)


def _back(data: dict[str, Any], text: str, delay_s: float, fields: Mapping[str, str | int] | None = None) -> Move:
    due = {SEND: round(delay_s * 1000), LEASE: None, RECONCILE: None}
    return Move(PLANNED, data, {"text": text, **(fields or {})}, due)
