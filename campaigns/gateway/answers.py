"""What an answer means. Pure: bytes and a status in, checked values or an error of ours out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import quote

import orjson

from campaigns.errors import (
    AccountRefusedError,
    ContentRefusedError,
    DoubtError,
    GatewayError,
    TooManyRequestsError,
)
from campaigns.schemas.answers import SCHEMAS, UnreadableError
from campaigns.settings import Secret

_TEXT_LENGTH: Final = 500

#: Words by which a refusal speaks of the account and not of what was sent. Parts of words do not count, and a
#: limit alone may be one of characters: whoever takes a text for the account's fault stops all its campaigns.
_OF_ACCOUNT: Final = re.compile(
    r"\btoken\b|\bunauthori[sz]ed\b|\bauthenticat|\bapi.?key\b|\baccess denied\b|\bforbidden\b|"
    r"\binsufficient\b|\bbalance\b|\bfunds\b|\bnot enough money\b|\bblocked account\b|\baccount\b.*\bblocked\b|"
    r"\btoo many requests\b|\b(rate|request|daily|hourly|sending) limit|^\W*limit exceeded\W*$|"
    r"\bтокен|\bавториз|\bдоступ\w* (запрещ|закрыт|ограничен)|\bнет доступа\b|\bключ(а|у|ом)?\b|"
    r"\bсредств|\bбаланс|\bденег\b|слишком (много|часто)|\bлимит\w* (запрос|отправ|обращен)|лимит\w*\W*$",
    re.IGNORECASE,
)


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
        return _scrubbed(self.raw, self.token.reveal()) if self.token else self.raw

    @property
    def digest(self) -> str:
        """Equal for equal bodies."""
        return blake2b(self.raw, digest_size=16).hexdigest()


def check_status(answer: Answer, now: datetime | None = None) -> None:
    """Raise what the HTTP status alone decides; nothing for 2xx."""
    status = answer.http_status
    if 200 <= status < 300:
        return
    text = _text_of(answer.body)
    facts: dict[str, Any] = {"http_status": status, "gateway_text": text}
    if status == 429:
        wait_s = retry_after_s(answer.retry_after, now or datetime.now(UTC))
        raise TooManyRequestsError(answer.method, "too many requests", retry_after_s=wait_s, **facts)
    if status in {401, 403, 404} or (400 <= status < 500 and status not in {408, 425} and _of_account(text)):
        raise AccountRefusedError(answer.method, f"the account is refused with HTTP {status}", **facts)
    if 400 <= status < 500 and status not in {408, 425}:
        raise ContentRefusedError(answer.method, f"refused with HTTP {status}", **facts)
    raise DoubtError(answer.method, f"HTTP {status} says nothing of what was done", **facts)


def interpret(answer: Answer) -> Any:
    """The checked value of an answer. Raises GatewayError, of the kind that says what follows."""
    check_status(answer)
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise _doubt(answer, "the answer is not JSON") from None
    text = error_text(document)
    if text is not None:
        facts: dict[str, Any] = {"http_status": answer.http_status, "gateway_text": text}
        if _says_yes(document):
            raise DoubtError(answer.method, "the answer says yes and no at once", **facts)
        if _of_account(text):
            raise AccountRefusedError(answer.method, "the account is refused", **facts)
        raise ContentRefusedError(answer.method, "refused", **facts)
    try:
        return SCHEMAS[answer.method](document)
    except UnreadableError as error:
        raise _doubt(answer, f"not the documented answer: {error}") from None


def error_text(document: Any) -> str | None:
    """The gateway's words if the document is one of its errors: `{"error": ...}` or `{"status": "error"}`."""
    if not isinstance(document, dict):
        return None
    if document.get("error"):
        return _worded(document["error"])
    if str(document.get("status")).casefold() == "error":
        return _worded(document.get("message") or document.get("result") or "error")
    return None


def _says_yes(document: dict[str, Any]) -> bool:
    """Whether an error holds what only a success has."""
    result = document.get("result")
    named = document.get("uuid") or (isinstance(result, dict) and result.get("message_id"))
    return bool(named) or "OK" in {document.get("success"), document.get("status")}


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Retry-After in seconds, given as such or as a date; None if there is none or it is nonsense."""
    if header is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def clock_s(answer: Answer) -> float | None:
    """The gateway's clock when it answered, unix seconds; None if the answer does not say."""
    try:
        moment = parsedate_to_datetime(answer.date or "")
    except ValueError:
        return None
    # It is told in whole seconds, of which half one has passed on average.
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() + 0.5


def _of_account(text: str) -> bool:
    return bool(_OF_ACCOUNT.search(text))


def _text_of(body: bytes) -> str:
    """The gateway's words in an error answer: those of its JSON, else none (a page of HTML says nothing)."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if isinstance(document, dict):
        for name in ("error", "message", "errors"):
            if document.get(name):
                return _worded(document[name])
    return ""


def _worded(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text[:_TEXT_LENGTH]


def _scrubbed(body: bytes, secret: str) -> bytes:
    for spelling in {secret, quote(secret, safe=""), orjson.dumps(secret).decode()[1:-1]}:
        if len(spelling) >= 4:
            body = body.replace(spelling.encode(), b"***")
    return body


def _doubt(answer: Answer, reason: str) -> GatewayError:
    return DoubtError(answer.method, reason, http_status=answer.http_status)
