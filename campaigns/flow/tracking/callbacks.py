"""Callbacks: the gateway says that it has worked on a request. A hint to look now, never a fact by itself.

What the body holds is not documented. It can bring a `uuid`, which is then checked with statusBulkViber; it
shows that the request arrived, so that it is never sent again unasked, whatever the body. Each attempt has an
address of its own, signed, so that nobody can call back about a request that he was not told of.
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

_PATH: Final = re.compile(
    r"(?:.*/)?(?P<batch>[0-9a-f]{21}-[0-9]{1,9})\.(?P<attempt>[0-9]{1,9})\.(?P<sign>[0-9a-f]{32})"
)
#: As a member of a JSON object or as a field of a form. Bodies are not parsed: nobody documents them, and whether
#: the uuid is ours is asked of the gateway.
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
    """Note a callback to `path` and let somebody look soon. Returns False if nobody was given this address.

    Raises StoreError.
    """
    address = _PATH.fullmatch(path)
    if address is None:
        return False
    batch_id, attempt = address["batch"], int(address["attempt"])
    if not hmac.compare_digest(_signature(services, batch_id, attempt), address["sign"]):
        return False
    keys, least_ms = services.store.keys, services.ms.poll_min
    state, _ = services.store.run_safely(
        "record_callback",
        [keys.batch(batch_id), keys.due(POLL), keys.accounts(POLL)],
        [batch_id, attempt, uuid_in(body) or "", least_ms],
    )
    facts = {"campaign": campaign_of(batch_id), "batch": batch_id, "attempt": attempt, "state": state.decode()}
    log.info("callback_noted", extra=facts)
    if state == PLANNED.encode():
        _doubt_again(services, batch_id)
    return True


def uuid_in(body: bytes) -> str | None:
    """The `uuid` of a JSON object or a form, if there plainly is one; also in one that is cut or very long."""
    found = {match["uuid"].decode() for match in _NAMED_UUID.finditer(body)}
    return found.pop() if len(found) == 1 else None


def _doubt_again(services: Services, batch_id: str) -> None:
    """A request that was taken for lost is planned again, and now there is a sign of it: not before that is clear."""
    batch = services.batches.read(batch_id)
    if "resent_ms" in batch.fields and batch.fields.get("callback_ms"):
        text = "the gateway called back about a request that was taken for lost"
        move = Move(UNKNOWN, {"reason": text}, {"text": text}, {SEND_VERB: None, RECONCILE: 0})
        services.batches.move(batch, move, from_states={PLANNED}, fence=batch.fence)


def _signature(services: Services, batch_id: str, attempt: int) -> str:
    secret = _secret(services)
    return hmac.new(secret, f"{batch_id}.{attempt}".encode(), "sha256").hexdigest()[:32]


def _secret(services: Services) -> bytes:
    """What all processes sign with: made by whoever needs it first."""
    key = services.store.keys.callback_secret()
    secret: bytes | None = services.store.ask(Redis.get, key)
    if secret is None:
        services.store.ask(Redis.setnx, key, secrets.token_hex(32))
        secret = services.store.ask(Redis.get, key)
    assert secret is not None  # noqa: S101 (just made, and never removed)
    return secret
