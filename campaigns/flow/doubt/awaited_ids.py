"""Message ids that are not known yet: the gateway is asked for them by uuid, to tell apart mailings of the listing.

A check of the listing finds mailings of batches that were accepted a moment ago. One statusBulkViber names all mailings
of a batch, and their ids are recorded for every later check.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Final

from campaigns.errors import ContentRefusedError
from campaigns.flow.matching import match
from campaigns.gateway import Gateway
from campaigns.ledger import Batch
from campaigns.ledger.message_ids import known_at_gateway
from campaigns.ledger.states import ACCEPTED, SETTLED
from campaigns.planning.planner import phones_of
from campaigns.portions import portions
from campaigns.services import Services
from campaigns.store.commands import Redis

#: Batches that one check asks for by their uuid.
UUIDS: Final = 20
#: Ids of batches that one command reads, or drops.
_READ: Final = 1000


def record_awaited_ids(services: Services, gateway: Gateway, batch: Batch, first: Set[str] = frozenset()) -> int:
    """Record the message ids of up to `UUIDS` batches of the account: those of `first`, then the closest in time.

    Returns for how many batches the gateway named ids. Raises GatewayError.
    """
    life_ms = services.ms.retention
    named = 0
    for other in list(_awaited(services, batch, first))[:UUIDS]:
        ids = _ids(services, gateway, other)
        services.deliveries.record_message_ids(other, ids, life_ms)
        named += bool(ids)
    return named


def _awaited(services: Services, batch: Batch, first: Set[str]) -> Iterator[Batch]:
    key = services.store.keys.awaited(batch.account)
    claimed_ms = batch.number("claimed_ms")
    since_ms = claimed_ms - services.ms.lease
    members = services.store.ask(Redis.zrangebyscore, key, since_ms, "+inf", 0, _READ)
    ids = list(dict.fromkeys([*sorted(first), *(raw.decode() for raw in members)]))
    others = [other for other in services.batches.read_many(ids) if other.id != batch.id]
    known = [other.id for other in others if not _lacks_ids(other)]
    for some in portions(known, _READ):
        services.store.ask(Redis.zrem, key, *some)
    lacking = [other for other in others if _lacks_ids(other)]
    yield from sorted(
        lacking, key=lambda other: (other.id not in first, abs(other.number("claimed_ms") - claimed_ms), other.id)
    )


def _lacks_ids(other: Batch) -> bool:
    return other.state in {ACCEPTED, SETTLED} and bool(other.fields.get("uuid")) and not known_at_gateway(other)


def _ids(services: Services, gateway: Gateway, other: Batch) -> dict[int, tuple[int, ...]]:
    body = services.batches.body(other.id)
    phones = phones_of(other.kind, body) if body is not None else [[] for _ in other.mailings]
    try:
        status = gateway.status_bulk_viber(other.fields["uuid"]).data
    except ContentRefusedError:
        return {}
    return match(other.mailings, other.all_message_ids, lambda: phones, status).ids
