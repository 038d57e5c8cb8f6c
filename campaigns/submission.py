"""A job that came as a Celery message, from any language: `campaigns.submit`."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from campaigns.broker.envelopes import Envelope
from campaigns.broker.submissions import Rejection, Submission, read_submission
from campaigns.enqueue import enqueue_without_waiting
from campaigns.errors import ErrorTree, JobError, KeyConflictError, PlanUnderWayError, StoreError, flatten
from campaigns.names import SUBMISSIONS, SUBMIT
from campaigns.preparing.job import all_mistakes, checked_job, key_of
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.text.wellformed import correlation_problem

log = logging.getLogger(__name__)

#: An id in the usual form of Celery's clients.
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGITS: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){6,}")
_REMEDY: Final = (
    f"send {SUBMIT} to the queue {SUBMISSIONS}, by Celery's message protocol 2, body "
    '[[job], {"key": "..."}, {}] in JSON, and send this message again; then: campaigns submissions discard'
)


def take_in(services: Services, envelope: Envelope) -> str | None:
    """Read a message and enqueue its job. Returns the campaign's id, also of one that is `invalid`; None if no job
    could be found: then the message is a dead letter, with an event.

    A message that is delivered again ends where it ended before. Raises StoreError and PlanUnderWayError, and then
    nothing was stored: the message must be kept, and given here again later.
    """
    read = read_submission(envelope, services.settings.submission_bytes)
    if isinstance(read, Rejection):
        _reject(services, envelope, read.reason)
        return None
    try:
        return _submit(services, read)
    except (StoreError, PlanUnderWayError):
        raise
    except Exception as error:  # noqa: BLE001 (a message must end somewhere, also by a mistake of ours)
        # Where it was raised, and not what it says: that may hold a phone or a text.
        at = traceback.extract_tb(error.__traceback__)[-1]
        facts = {"digest": envelope.digest, "error": type(error).__name__, "at": f"{at.filename}:{at.lineno}"}
        log.error("submission_failed", extra=facts)  # noqa: TRY400
        _reject(services, envelope, f"a mistake of this program: {type(error).__name__}; its log says where")
        return None


def submit(services: Services, job: Any, *, key: Any, strict: bool, message_id: str) -> str:
    """Enqueue a job that a message of this id brought. Returns the campaign's id, also of one that is `invalid`.

    Brokers deliver a message more than once, so without a key of its own the job goes by the message's id. A job
    that breaks rules is kept as `invalid` with its errors and an event. Raises as `take_in` does.
    """
    digest = blake2b(message_id.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return _submit(services, Submission(digest, f"message:{message_id}", job, key, strict, {}, None))


def _submit(services: Services, submission: Submission) -> str:
    # The same message makes the same id, so that one that comes twice is stored once.
    campaign_id = submission.message_id[:21]
    if services.campaigns.exists(campaign_id):
        return campaign_id
    errors: ErrorTree = dict(submission.errors)
    try:
        return _enqueued(services, submission)
    except JobError as error:
        errors |= error.errors
    except KeyConflictError as error:
        errors["key"] = [f"belongs to campaign {error.campaign_id}, which has a different job"]
    about = _about(submission.job)
    services.campaigns.store_invalid(campaign_id, JobError(errors).errors, about)
    facts = {"campaign": campaign_id, "correlation_id": about.get("correlation_id")}
    log.warning("job_invalid", extra={**facts, "mistakes": len(flatten(errors))})
    return campaign_id


def _enqueued(services: Services, submission: Submission) -> str:
    with all_mistakes(services, submission.job):
        key = key_of(submission.job, submission.key)
    own_key = key if key is not None else submission.own_key
    known = services.campaigns.of_key(own_key) if own_key is not None else None
    expires_ms = submission.expires_ms
    if known is None and expires_ms is not None and expires_ms < services.now_ms():
        raise JobError({"expires": ["had passed before a worker took the message"]})
    if submission.errors:
        # The job's own mistakes are told with those of the message around it.
        raise JobError(_mistakes(services, submission))
    return enqueue_without_waiting(
        services, submission.job, key=own_key, strict=submission.strict, of_message=key is None
    ).id


def _mistakes(services: Services, submission: Submission) -> ErrorTree:
    try:
        checked_job(services, submission.job, None)
    except JobError as error:
        return error.errors
    return {}


def _about(job: Any) -> dict[str, str]:
    """What a person recognises the job by."""
    about = job if isinstance(job, Mapping) else {}
    words = {name: _word(about.get(name)) for name in ("kind", "account", "name")}
    correlation_id = about.get("correlation_id")
    return words if correlation_problem(correlation_id) else {**words, "correlation_id": str(correlation_id)}


def _word(value: Any) -> str:
    return value.encode("utf-8", "replace").decode()[:200] if isinstance(value, str) else ""


def _reject(services: Services, envelope: Envelope, reason: str) -> None:
    headers = envelope.headers
    facts: dict[str, str | int] = {
        "queue": envelope.queue,
        **{name: _called(services.settings, headers.get(name)) for name in ("task", "id", "origin")},
        "size": envelope.size,
        "reason": reason,
        "remedy": _REMEDY,
    }
    if services.rejected.add(envelope.digest, facts):
        log.warning("submission_rejected", extra={"digest": envelope.digest, "queue": envelope.queue, "reason": reason})


def _called(settings: Settings, value: Any) -> str:
    """What a stranger calls a message, without what may be a phone, and without a token."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    for token in settings.accounts.values():
        text = text.replace(token.reveal(), "***")
    return _word(text if _ID.fullmatch(text) else _DIGITS.sub("***", text))[:100]
