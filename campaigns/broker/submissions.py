"""What a submitted message holds: a job with its key, a job with mistakes, or nothing that is a job. Pure.

The contract is Celery's message protocol 2 with the body `[[job], {"key": "..."}, {}]`; protocol 1 is read too.
A message whose job can be read ends as a campaign, if need be as an `invalid` one; any other as a dead letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from campaigns.broker.envelopes import DEPTH_MOST, Envelope, decompressed, depth, parsed, shown
from campaigns.errors import ErrorTree
from campaigns.names import SUBMIT

_ARGUMENTS: Final = ("job", "key", "strict")
_ID_LENGTH: Final = 255
_BODY: Final = '[[job], {"key": "..."}, {}]'
_MESSAGE_PARTS: Final = 3
_ARGUMENTS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that came as a message. `errors` is what is wrong with the message around the job.

    `own_key` stands for a key where the job has none: the message's id. `expires_ms`: not to be taken after that.
    """

    message_id: str
    own_key: str | None
    job: Any
    key: Any
    strict: bool
    errors: ErrorTree
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message in which no job can be found."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Call:
    """A task and its arguments, by either protocol."""

    task: object
    message_id: object
    args: object
    kwargs: object
    embed: object
    eta: object
    expires: object
    errors: ErrorTree


def read_submission(envelope: Envelope, most_bytes: int) -> Submission | Rejection:
    """Read a message. Nothing in it raises; what is kept of it for people names no phone and no text."""
    if envelope.problem:
        return Rejection(envelope.problem)
    try:
        body = decompressed(envelope.body, envelope.headers.get("compression"), most_bytes)
    except ValueError as error:
        return Rejection(str(error))
    if problem := _unreadable(envelope):
        return Rejection(problem)
    try:
        document = parsed(body)
    except ValueError:
        return Rejection("its body is not JSON")
    call = _call(envelope, document)
    return call if isinstance(call, Rejection) else _submission(envelope, call)


def _unreadable(envelope: Envelope) -> str:
    content_type = envelope.content_type.split(";")[0].strip().casefold()
    if content_type not in {"", "application/json", "text/json"}:
        return f"its content-type is {shown(content_type)}, not 'application/json'"
    if envelope.content_encoding.casefold() not in {"", "utf-8", "utf8", "us-ascii", "ascii", "binary"}:
        return f"its content-encoding is {shown(envelope.content_encoding)}, not 'utf-8'"
    return ""


def _call(envelope: Envelope, document: Any) -> _Call | Rejection:
    headers = envelope.headers
    if "task" not in headers and isinstance(document, dict) and "task" in document:
        get = document.get
        embed = {name: get(name) for name in ("callbacks", "errbacks", "chord")}
        call = _Call(get("task"), get("id"), get("args"), get("kwargs"), embed, get("eta"), get("expires"), {})
    else:
        call = _second_protocol(headers, document)
    if call.task is None:
        return Rejection(f"it names no task: its headers must have task {SUBMIT!r}, and id")
    if call.task != SUBMIT:
        return Rejection(f"there is no task {shown(call.task)} here: jobs are taken by {SUBMIT!r}")
    if not isinstance(document, dict) and not isinstance(document, list):
        return Rejection(f"its body is not {_BODY}")
    return call


def _second_protocol(headers: Mapping[str, Any], document: Any) -> _Call:
    errors: ErrorTree = {}
    parts = document if isinstance(document, list) else []
    if parts and len(parts) != _MESSAGE_PARTS:
        errors["message"] = [f"its body has {len(parts):,} elements, not three: {_BODY}"]
    args, kwargs, embed = [*parts[:_MESSAGE_PARTS], None, None, None][:_MESSAGE_PARTS]
    if len(parts) < _MESSAGE_PARTS:
        kwargs = {} if kwargs is None else kwargs
    return _Call(
        headers.get("task"),
        headers.get("id"),
        args,
        kwargs,
        embed,
        headers.get("eta"),
        headers.get("expires"),
        errors,
    )


def _submission(envelope: Envelope, call: _Call) -> Submission | Rejection:
    errors = dict(call.errors)
    values = _arguments(call, errors)
    if "job" not in values:
        return Rejection(f"it carries no job: its body must be {_BODY}")
    job, message_id = values["job"], _usable_id(call.message_id)
    if depth(job) > DEPTH_MOST:
        errors["job"] = [f"is nested deeper than {DEPTH_MOST} levels"]
        job = {}
    key = values.get("key")
    if message_id is None and key is None and not (isinstance(job, Mapping) and job.get("key") is not None):
        errors["id"] = ["is missing, and so is a key: without either a message that comes twice would be sent twice"]
    if any(call.embed.values() if isinstance(call.embed, dict) else [call.embed]):
        errors["embed"] = ["callbacks, chains and chords are not carried out: send {}"]
    if call.eta:
        errors["eta"] = ["a job is not put off by Celery's eta or countdown: give it a schedule_time"]
    return Submission(
        message_id=envelope.digest,
        own_key=None if message_id is None else f"message:{message_id}",
        job=job,
        key=key,
        strict=_flag(values.get("strict", False), errors),
        errors=errors,
        expires_ms=_expires_ms(call.expires, errors),
    )


def _arguments(call: _Call, errors: ErrorTree) -> dict[str, Any]:
    """The task's arguments by name."""
    values: dict[str, Any] = {}
    if isinstance(call.args, list):
        values.update(zip(_ARGUMENTS, call.args, strict=False))
        if len(call.args) > len(_ARGUMENTS):
            errors["args"] = [f"are {len(call.args):,}, and no more than {', '.join(_ARGUMENTS)} are taken"]
    elif call.args is not None:
        errors["args"] = ["must be a list: [job]"]
    if not isinstance(call.kwargs, dict):
        if call.kwargs is not None:
            errors["kwargs"] = ["must be an object; without any it is {}, which PHP writes for (object) []"]
        return values
    unknown = [name for name in call.kwargs if name not in _ARGUMENTS]
    for name in unknown[:_ARGUMENTS_SHOWN]:
        errors[f"kwargs {shown(name)}"] = [f"is not an argument: there are {', '.join(_ARGUMENTS)}"]
    for name in _ARGUMENTS:
        if name in call.kwargs:
            if name in values:
                errors[name] = ["is given twice, by place and by name"]
            values.setdefault(name, call.kwargs[name])
    return values


def _usable_id(message_id: object) -> str | None:
    text = str(message_id) if isinstance(message_id, (str, int)) and not isinstance(message_id, bool) else ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text if text.strip() and len(text) <= _ID_LENGTH else None


def _flag(value: object, errors: ErrorTree) -> bool:
    if isinstance(value, bool) or value is None:
        return bool(value)
    errors["strict"] = ["must be true or false"]
    return True


def _expires_ms(value: object, errors: ErrorTree) -> int | None:
    if value in (None, ""):
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None:
            return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    errors["expires"] = ["must be a time such as 2030-05-01T10:00:00+00:00"]
    return None
