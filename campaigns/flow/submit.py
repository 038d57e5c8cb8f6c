"""A job that came as a Celery message, from any language: `campaigns.submit`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from campaigns.errors import JobError, KeyConflictError
from campaigns.flow.services import Services
from campaigns.producer import enqueue

log = logging.getLogger(__name__)


def submit(services: Services, job: Any, *, key: str | None, strict: bool, message_id: str) -> str:
    """Enqueue the job. Returns the campaign's id, also of one that is `invalid`.

    Brokers deliver a message more than once, so without a key of its own the job goes by the message's
    id. A job that breaks rules is kept as `invalid` with its errors and an event.
    """
    own_key = key if isinstance(key, str) and key else f"message:{message_id}"
    try:
        return enqueue(job, key=own_key, strict=bool(strict), services=services).id
    except JobError as error:
        errors = error.errors
    except KeyConflictError as error:
        errors = {"key": [str(error)]}
    # The same message makes the same id, so a message that comes twice is stored once.
    campaign_id = blake2b(f"{message_id}".encode(), digest_size=11).hexdigest()[:21]
    about = job if isinstance(job, Mapping) else {}
    fields = {
        "kind": _word(about.get("kind")),
        "account": _word(about.get("account")),
        "name": _word(about.get("name")),
    }
    services.campaigns.store_invalid(campaign_id, errors, fields)
    log.warning("job_invalid", extra={"campaign": campaign_id})
    return campaign_id


def _word(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""
