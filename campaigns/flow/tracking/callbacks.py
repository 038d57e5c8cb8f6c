"""Callbacks: the gateway says that it has worked on a request. It makes us ask soon, and is no status by itself.

A callback shows that its request arrived, so the batch is not sent again unless a person decides so. What the body
holds is not documented. It may bring a `uuid`, which is then checked with statusBulkViber. Each attempt has a signed
address of its own, so that only a server that received the request can call back about it.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from typing import Final

from campaigns.ledger import RECONCILE, Batch, Move, campaign_of
from campaigns.ledger import SEND as SEND_VERB
from campaigns.ledger.states import PLANNED, UNKNOWN
from campaigns.names import POLL
from campaigns.services import Services
from campaigns.store.commands import Redis

log = logging.getLogger(__name__)

#: The ids of earlier versions have 21 characters: their campaigns may still be under way.
_PATH: Final = re.compile(
    r"(?:.*/)?(?P<batch>[0-9a-z]{17,21}-[0-9]{1,9})\.(?P<attempt>[0-9]{1,9})\.(?P<sign>[0-9a-f]{32})"
)
#: As a member of a JSON object or as a field of a form. Bodies are not parsed, since no document describes them; the
#: gateway is asked whether the uuid is ours.
_NAMED_UUID: Final = re.compile(
    rb"""(?:"uuid"\s*:\s*"|(?:^|&)uuid=)(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:"|&|$)""", re.IGNORECASE
)


def callback_url(services: Services, batch: Batch, own: str | None) -> str | None:
    """Where the gateway may call back about this attempt: the job's own address, else ours, else nowhere."""
    base = services.settings.callback_base_url
    if own is not None or base is None:
        return own
    return f"{base}/{batch.id}.{batch.attempt}.{_signature(services, batch.id, batch.attempt)}"


def take_callback(services: Services, path: str, body: bytes) -> bool:
    """Record a callback to `path`. Returns False for an address that we gave to no request. Raises StoreError.

    The batch is due soon: for a poll, or for a check of the listing while it is in doubt. A batch that was planned
    again, because its request was taken for lost, is put in doubt once more.
    """
    address = _PATH.fullmatch(path)
    if address is None:
        return False
    batch_id, attempt = address["batch"], int(address["attempt"])
    if not hmac.compare_digest(_signature(services, batch_id, attempt), address["sign"]):
        return False
    keys, least_ms = services.store.keys, services.ms.poll_min
    state, must_not_send = services.store.run_safely(
        "record_callback",
        [keys.batch(batch_id), keys.due(POLL), keys.accounts(POLL)],
        [batch_id, attempt, uuid_in(body) or "", least_ms],
    )
    facts = {"campaign": campaign_of(batch_id), "batch": batch_id, "attempt": attempt, "state": state.decode()}
    log.info("callback_noted", extra=facts)
    if must_not_send:
        _put_in_doubt(services, batch_id, must_not_send.decode())
    return True


def uuid_in(body: bytes) -> str | None:
    """The `uuid` of a JSON object or a form, if there plainly is one; also in one that is cut or very long."""
    found = {match["uuid"].decode() for match in _NAMED_UUID.finditer(body)}
    return found.pop() if len(found) == 1 else None


def _put_in_doubt(services: Services, batch_id: str, why: str) -> None:
    """planned → unknown. Should this process die first, a claim finds the callback and does the same."""
    batch = services.batches.read(batch_id)
    move = Move(UNKNOWN, {"reason": why}, {"text": why}, {SEND_VERB: None, RECONCILE: 0})
    services.batches.move(batch, move, from_states={PLANNED}, fence=batch.fence)


def _signature(services: Services, batch_id: str, attempt: int) -> str:
    secret = _secret(services)
    return hmac.new(secret, f"{batch_id}.{attempt}".encode(), "sha256").hexdigest()[:32]


def _secret(services: Services) -> bytes:
    """The secret with which all processes sign. The first that needs it makes it."""
    key = services.store.keys.callback_secret()
    secret: bytes | None = services.store.ask(Redis.get, key)
    if secret is None:
        services.store.ask(Redis.setnx, key, secrets.token_hex(32))
        secret = services.store.ask(Redis.get, key)
    assert secret is not None  # noqa: S101 (just made, and never removed)
    return secret
