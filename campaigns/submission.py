"""Jobs that arrive as Celery messages, from any language: the task `campaigns.submit`."""

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

#: A task id in the form that Celery's clients generate.
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGITS: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){6,}")
_REMEDY: Final = (
    f"send {SUBMIT} to the queue {SUBMISSIONS}, by Celery's message protocol 2, body "
    '[[job], {"key": "..."}, {}] in JSON, and send this message again; then: campaigns submissions discard'
)


def take_in(services: Services, envelope: Envelope) -> str | None:
    """Read a message and enqueue its job. Returns the campaign's id; None if the message holds no job.

    A job that breaks rules becomes a campaign in state `invalid`. A message without a job is recorded as rejected, with
    an event. A message that is delivered again gets the same result. Raises StoreError and PlanUnderWayError; nothing
    was stored then, and the caller must keep the message and pass it here again later.
    """
    read = read_submission(envelope, services.settings.submission_bytes)
    if isinstance(read, Rejection):
        _reject(services, envelope, read.reason)
        return None
    try:
        return _submit(services, read)
    except (StoreError, PlanUnderWayError):
        raise
    except Exception as error:  # noqa: BLE001 (even a bug of ours must not make the message come back for ever)
        # The place of the error, not its message, which may hold a phone or a text.
        at = traceback.extract_tb(error.__traceback__)[-1]
        facts = {"digest": envelope.digest, "error": type(error).__name__, "at": f"{at.filename}:{at.lineno}"}
        log.error("submission_failed", extra=facts)  # noqa: TRY400
        _reject(services, envelope, f"a bug of this program: {type(error).__name__}; the worker's log has the place")
        return None


def submit(services: Services, job: Any, *, key: Any, strict: bool, message_id: str) -> str:
    """Enqueue a job from the message `message_id`. Returns the id of its campaign, whose state may be `invalid`.

    Brokers may deliver a message more than once, so a job without a key gets one made of the message's id. A job that
    breaks rules is stored as `invalid`, with its errors and an event. Raises StoreError and PlanUnderWayError.
    """
    digest = blake2b(message_id.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return _submit(services, Submission(digest, f"message:{message_id}", job, key, strict, {}, None))


def _submit(services: Services, submission: Submission) -> str:
    # The id is made from the message's, so that a message that is delivered twice is stored once.
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
        # Report the job's own mistakes along with those of the message around it.
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
    """The fields by which a person recognises the job."""
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
    """A header of a message of unknown origin, without tokens and without digits that may be a phone."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    for token in settings.accounts.values():
        text = text.replace(token.reveal(), "***")
    return _word(text if _ID.fullmatch(text) else _DIGITS.sub("***", text))[:100]
