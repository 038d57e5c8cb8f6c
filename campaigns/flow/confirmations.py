"""What the gateway's status of a list mailing says about its confirmation."""

from __future__ import annotations

from typing import Final

from campaigns.errors import ContentRefusedError
from campaigns.ledger import Batch
from campaigns.ledger.states import ACCEPTED, SETTLED
from campaigns.services import Services
from campaigns.statuses import confirmed
from campaigns.store.commands import Redis

#: Confirmed mailings that are read, the newest first, until one shows another status than a draft has.
_ASKED: Final = 3
_NEWEST: Final = 20


def read_status(services: Services, batch: Batch, message_id: int) -> str:
    """The status word of a mailing to a list, by getViberMessageData. Raises GatewayError."""
    return services.gateway(batch.account).get_viber_message_data(message_id).status


def words_tell(services: Services, batch: Batch) -> bool:
    """Whether another list mailing of the account, known to be confirmed, shows a status that no draft has.

    Otherwise a status that stays the same may only mean that the gateway never changes it. Raises GatewayError.
    """
    key = services.store.keys.known(batch.account, "list")
    ids = [int(raw) for raw in services.store.ask(Redis.zrevrange, key, 0, _NEWEST - 1)]
    owners = services.batches.owners(batch.account, ids)
    others = {other.id: other for other in services.batches.read_many(sorted({owner[0] for owner in owners.values()}))}
    taken = [i for i, owner in owners.items() if owner[0] != batch.id and others[owner[0]].state in {ACCEPTED, SETTLED}]
    return any(_tells(services, batch, message_id) for message_id in taken[:_ASKED])


def _tells(services: Services, batch: Batch, message_id: int) -> bool:
    try:
        return confirmed(batch.fields.get("status_before", ""), read_status(services, batch, message_id))
    except ContentRefusedError:
        return False
