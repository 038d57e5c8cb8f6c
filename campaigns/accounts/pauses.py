"""For how long, and for which requests, an account pauses after what the gateway answered. Pure.

One rule for all eleven methods. Whoever pays records the pause with the batch; for all other methods
`Gateway` reports every refusal by itself, so that no caller can pass one over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from campaigns.errors import AccountRefusedError, GatewayError, OutcomeUnknownError, TooManyRequestsError
from campaigns.gateway.refusals import of_limit, of_token
from campaigns.settings import Settings

#: What an account pauses for, in few words.
TOO_MANY, REFUSED, NO_TOKEN, DOUBLE_SEND, OTHER = "too_many", "refused", "no_token", "double_send", "other"
#: A run of failures. The store itself pauses for it.
FAILURES: Final = "failures"
CAUSES: Final = (TOO_MANY, REFUSED, NO_TOKEN, DOUBLE_SEND, FAILURES, OTHER)
#: A 429 that names no time, or one that has passed, is not asked again at once.
_LEAST_S: Final = 1.0
#: Requests that name neither a message nor a uuid: to them a 404 can only mean that the address is wrong.
_OF_NO_ID: Final = frozenset({"sendBulkViber", "sendQuickViberMessage", "sendViberMessageList", "getViberMessages"})


@dataclass(frozen=True, slots=True)
class Pause:
    """The account is to be left alone: altogether, or with `paid_only` by requests that cost money.

    `cause` is the reason in one of few words, `CAUSES`.
    """

    seconds: float
    reason: str
    cause: str
    paid_only: bool = False


def pause_for(error: GatewayError, settings: Settings, *, paid: bool) -> Pause | None:
    """The pause that follows from a failed request, None if the account is not the reason.

    A refused read pauses everything. A refused payment leaves reading alone, unless the token itself or too many
    requests are the reason: without money what was sent can still be followed. A 404 to a read that names a
    message is that message's, which the gateway may have dropped.
    """
    text = error.gateway_text or error.reason
    if isinstance(error, TooManyRequestsError) or (isinstance(error, OutcomeUnknownError) and error.http_status == 429):
        return Pause(_bounded_s(error.retry_after_s, settings), "too many requests", TOO_MANY)
    if not isinstance(error, AccountRefusedError):
        return None
    if of_limit(error.gateway_text):
        return Pause(settings.penalty_s, f"refused: {text}", TOO_MANY)
    if error.http_status == 404 and not paid and error.method not in _OF_NO_ID:
        return None
    paid_only = paid and not of_token(error.http_status, error.gateway_text)
    return Pause(settings.account_pause_s, f"refused: {text}", REFUSED, paid_only=paid_only)


def _bounded_s(retry_after_s: float | None, settings: Settings) -> float:
    if retry_after_s is None:
        return settings.penalty_s
    return min(max(retry_after_s, _LEAST_S), settings.retry_after_max_s)
