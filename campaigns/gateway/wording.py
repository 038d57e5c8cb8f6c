"""The gateway's own words in an answer that is an error, and whether they mean one. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from campaigns.answers.shapes import is_nothing, says_no, says_yes, text_of
from campaigns.gateway.documents import NotJsonError, read_document

_TEXT_LENGTH: Final = 500
_STATUS_BULK: Final = "statusBulkViber"
#: Words by which the gateway says that it does not know itself what happened. Such an error may come after the
#: messages went out, so it does not count as a refusal, with any HTTP status.
_UNDECIDED: Final = re.compile(
    r"\b(undefined|unknown|unexpected|internal|server) error\b|\binternal server\b|"
    r"\b(неизвестн|неопредел[её]нн|непредвиденн|внутренн)\w* ошибк|\bошибк\w* сервера\b",
    re.IGNORECASE,
)
#: A sign of success in an answer that cannot be read.
_SIGN: Final = re.compile(rb'"(?:uuid"\s*:\s*"[^"]|(?:message_id|viber_id)"\s*:\s*"?[0-9])')


def error_text(document: Any, method: str = "") -> str | None:
    """The gateway's words if the document is one of its errors, else None.

    Errors are `{"error": ...}`, `{"status": "error", "message": ...}`, and their siblings: `{"success": false}`
    and `{"errors": ...}`. An error that is null, empty or `false` beside a good answer is none. The errors of
    statusBulkViber belong to single mailings and are part of the answer.
    """
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    no = not is_nothing(error) or says_no(document.get("status")) or says_no(document.get("success"))
    errors = document.get("errors")
    if not no and (method == _STATUS_BULK or is_nothing(errors) or holds_success(document)):
        return None
    for said in (error, document.get("message"), errors, document.get("result")):
        if isinstance(said, (str, dict, list)) and not is_nothing(said):
            return _worded(said)
    return text_of(error) or "error"


def is_undecided(text: str) -> bool:
    """Whether an error says that the gateway itself does not know what happened ("undefined error")."""
    return bool(_UNDECIDED.search(text))


def holds_success(document: dict[str, Any]) -> bool:
    """Whether an answer holds what only a success has: a uuid, an id, an OK."""
    result = document.get("result")
    parts = [document, *(result if isinstance(result, list) else [result])]
    ids = (part.get(name) for part in parts if isinstance(part, dict) for name in ("uuid", "message_id", "viber_id"))
    return any(not is_nothing(one) for one in ids) or any(
        says_yes(document.get(name)) for name in ("success", "status")
    )


def may_have_acted(body: bytes) -> bool:
    """Whether the body of a refusal holds signs of a success: then it is unknown what the gateway did."""
    try:
        document = read_document(body)
    except NotJsonError:
        return bool(_SIGN.search(body))
    return isinstance(document, dict) and holds_success(document)


def text_of_refusal(body: bytes) -> str:
    """The gateway's words in an error answer: those of its JSON, else none (a page of HTML says nothing)."""
    try:
        document = read_document(body)
    except NotJsonError:
        return ""
    if isinstance(document, dict):
        for name in ("error", "message", "errors"):
            if document.get(name):
                return _worded(document[name])
    return ""


def _worded(value: Any) -> str:
    if isinstance(value, str):
        return value[:_TEXT_LENGTH]
    try:
        return orjson.dumps(value, default=str).decode()[:_TEXT_LENGTH]
    except orjson.JSONEncodeError:
        return "error"  # nested too deeply to be a text
