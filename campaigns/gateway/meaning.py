"""What an answer means. Pure: turns bytes and a status into checked values, or raises an error of ours.

What follows from the error of a paid request, for its batch and its account, `campaigns.flow.outcome` decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, Final

from campaigns.answers.rows import HOME
from campaigns.answers.schemas import SCHEMAS, UnreadableError
from campaigns.errors import (
    AccountRefusedError,
    ContentRefusedError,
    GatewayError,
    OutcomeUnknownError,
    TooManyRequestsError,
)
from campaigns.gateway.documents import NotJsonError, read_document
from campaigns.gateway.refusals import ACCOUNT_STATUSES, of_account
from campaigns.gateway.scrubbing import scrubbed
from campaigns.gateway.wording import error_text, holds_success, is_undecided, may_have_acted, text_of_refusal
from campaigns.settings import Secret

#: Methods with an effect. Even a refused request may have acted: if its answer suggests that, its outcome is unknown.
_ACTS: Final = frozenset({"sendBulkViber", "sendQuickViberMessage", "sendViberMessageList", "confirmViberMessage"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. What it says is kept out of the repr: it holds phones and texts."""

    method: str
    http_status: int
    retry_after: str | None
    raw: bytes = field(repr=False)
    date: str | None = None
    token: Secret | None = None

    @property
    def body(self) -> bytes:
        """What it says, without our token, should the gateway echo it. Most answers are only compared."""
        return scrubbed(self.raw, self.token) if self.token else self.raw

    @property
    def digest(self) -> str:
        """Equal for equal bodies."""
        return blake2b(self.raw, digest_size=16).hexdigest()


def check_status(answer: Answer, now: datetime | None = None) -> None:
    """Raise what the HTTP status alone decides; nothing for 2xx."""
    status = answer.http_status
    if 200 <= status < 300:
        return
    text = text_of_refusal(answer.body)
    facts: dict[str, Any] = {"http_status": status, "gateway_text": text}
    if status == 429:
        facts["retry_after_s"] = retry_after_s(answer.retry_after, now or datetime.now(UTC))
    if answer.method in _ACTS and may_have_acted(answer.body):
        raise OutcomeUnknownError(answer.method, f"HTTP {status} beside the signs of success", **facts)
    if status == 429:
        raise TooManyRequestsError(answer.method, "too many requests", **facts)
    if status in ACCOUNT_STATUSES or (400 <= status < 500 and status not in {408, 425} and of_account(text)):
        raise AccountRefusedError(answer.method, f"the account is refused with HTTP {status}", **facts)
    if 400 <= status < 500 and status not in {408, 425} and not is_undecided(text):
        raise ContentRefusedError(answer.method, f"refused with HTTP {status}", **facts)
    raise OutcomeUnknownError(answer.method, f"HTTP {status} says nothing of what was done", **facts)


def interpret(answer: Answer, region: str = HOME) -> Any:
    """The checked value of an answer. Raises GatewayError, of the kind that says what follows.

    `region` is the country of phones that the gateway writes without one.
    """
    check_status(answer)
    try:
        document = read_document(answer.body)
    except NotJsonError:
        raise _doubt(answer, "the answer is not JSON") from None
    text = error_text(document, answer.method)
    if text is not None:
        facts: dict[str, Any] = {"http_status": answer.http_status, "gateway_text": text}
        if holds_success(document):
            raise OutcomeUnknownError(answer.method, "the answer says yes and no at once", **facts)
        if is_undecided(text):
            raise OutcomeUnknownError(answer.method, "the gateway does not know what happened", **facts)
        if of_account(text):
            raise AccountRefusedError(answer.method, "the account is refused", **facts)
        raise ContentRefusedError(answer.method, "refused", **facts)
    try:
        return SCHEMAS[answer.method](document, region)
    except UnreadableError as error:
        raise _doubt(answer, f"not the documented answer: {error}") from None


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Retry-After in seconds, given as such or as a date; None if there is none or it is nonsense.

    The value may be as large as the gateway likes: `pauses` bounds it.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII):
        return float(text)
    try:
        moment = parsedate_to_datetime(text[:100])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def clock_s(answer: Answer) -> float | None:
    """The gateway's clock when it answered, unix seconds; None if the answer does not say."""
    try:
        moment = parsedate_to_datetime((answer.date or "")[:100])
        wall_s = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    # The header has whole seconds, so on average half a second more has passed.
    return wall_s + 0.5


def _doubt(answer: Answer, reason: str) -> GatewayError:
    return OutcomeUnknownError(answer.method, reason, http_status=answer.http_status)
