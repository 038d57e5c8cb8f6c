"""For how long, and for which requests, an account pauses after what the gateway answered. Pure.

One rule for all eleven methods. After a paid request the sender records the pause with the batch; for all other
methods `Gateway` reports every refusal by itself, so that no caller can miss one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from campaigns.errors import AccountRefusedError, GatewayError, OutcomeUnknownError, TooManyRequestsError
from campaigns.gateway.refusals import of_limit, of_token
from campaigns.settings import Settings

#: Why an account pauses: a few words that metrics can use.
TOO_MANY, REFUSED, NO_TOKEN, DOUBLE_SEND, OTHER = "too_many", "refused", "no_token", "double_send", "other"
#: After a run of failures the store itself pauses the account.
FAILURES: Final = "failures"
#: The script that claims a request pauses an account whose daily budget has no room for it.
BUDGET: Final = "budget"
#: How the reason of such a pause begins.
BUDGET_USED_UP: Final = "the daily budget of "
CAUSES: Final = (TOO_MANY, REFUSED, NO_TOKEN, DOUBLE_SEND, FAILURES, BUDGET, OTHER)
#: Least pause after a 429, also if its time has passed.
_LEAST_S: Final = 1.0
#: Requests that name neither a message nor a uuid: for these a 404 can only mean that the address is wrong.
_OF_NO_ID: Final = frozenset({"sendBulkViber", "sendQuickViberMessage", "sendViberMessageList", "getViberMessages"})


@dataclass(frozen=True, slots=True)
class Pause:
    """No request is made for the account; with `paid_only`, none that costs money.

    `cause` is one of `CAUSES`.
    """

    seconds: float
    reason: str
    cause: str
    paid_only: bool = False


def ends_with_the_day(reason: str) -> bool:
    """Whether the pause with this reason is that of a used-up budget, which no person ends."""
    return reason.startswith(BUDGET_USED_UP)


def pause_for(error: GatewayError, settings: Settings, *, paid: bool) -> Pause | None:
    """The pause that follows from a failed request, None if the account is not the reason.

    A refused read pauses all requests. A refused payment pauses only payments, because what was sent can be followed
    without money; unless the token or too many requests are the reason. A 404 to a read that names a message is about
    that message, which the gateway may have dropped.
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
