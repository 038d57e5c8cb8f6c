"""Asking the gateway about a batch, whatever its kind, and reading the answer in one form."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b

from campaigns.errors import GatewayError
from campaigns.flow.services import Services
from campaigns.gateway import Gateway
from campaigns.ledger import Batch
from campaigns.schemas.rows import DeliveryRows

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway says of a batch. Everything is by the mailing's number in the batch."""

    digest: str
    rows: Mapping[int, DeliveryRows] = field(default_factory=dict)
    rejected: Mapping[int, str] = field(default_factory=dict)
    message_ids: Mapping[int, int] = field(default_factory=dict)
    costs: Mapping[int, tuple[int, str]] = field(default_factory=dict)


def ask(gateway: Gateway, batch: Batch) -> Answer:
    """One look at the gateway. Raises GatewayError. An answer equal to the last one is not parsed."""
    last_digest = batch.fields.get("digest")
    if batch.kind == "quick":
        return _ask_quick(gateway, batch, last_digest)
    if batch.kind == "bulk" and batch.fields.get("uuid"):
        return _ask_bulk(gateway, batch, last_digest)
    return _ask_lists(gateway, batch, last_digest)


def mailing_of(error: str, names: Mapping[str, int]) -> int | None:
    """Which mailing an error of statusBulkViber is about: it starts with the mailing's name and a colon."""
    matching = [name for name in names if error.startswith(name + ":")]
    return names[max(matching, key=len)] if matching else None


def _ask_quick(gateway: Gateway, batch: Batch, last_digest: str | None) -> Answer:
    message_id = batch.message_ids.get(0)
    if message_id is None:
        return Answer(last_digest or "")  # a person said that it was sent: there is nothing to ask for
    polled = gateway.get_viber_delivery_data(message_id)
    if polled.digest == last_digest:
        return Answer(polled.digest)
    return Answer(polled.digest, rows={0: DeliveryRows.of([polled.data])})


def _ask_bulk(gateway: Gateway, batch: Batch, last_digest: str | None) -> Answer:
    polled = gateway.status_bulk_viber(batch.fields["uuid"])
    if polled.digest == last_digest:
        return Answer(polled.digest)
    names = {mailing.name: number for number, mailing in enumerate(batch.mailings)}
    rows: dict[int, DeliveryRows] = {}
    rejected: dict[int, str] = {}
    message_ids: dict[int, int] = {}
    for mailing in polled.data.mailings:
        number = names.get(mailing.name)
        if number is None:
            continue
        rows[number] = rows[number] + mailing.rows if number in rows else mailing.rows
        if mailing.message_id is not None:
            message_ids[number] = mailing.message_id
    for error in polled.data.errors:
        number = mailing_of(error, names)
        # A mailing that has deliveries went out, whatever else is said of it.
        if number is not None and number not in rows:
            rejected[number] = error
    return Answer(polled.digest, rows, rejected, message_ids, _costs(gateway, batch, message_ids))


def _ask_lists(gateway: Gateway, batch: Batch, last_digest: str | None) -> Answer:
    rows: dict[int, DeliveryRows] = {}
    digest = blake2b(digest_size=16)
    polls = {
        number: gateway.get_viber_delivery_list(message_id) for number, message_id in sorted(batch.message_ids.items())
    }
    for polled in polls.values():
        digest.update(polled.digest.encode())
    if digest.hexdigest() == last_digest:
        return Answer(digest.hexdigest())
    for number, polled in polls.items():
        rows[number] = polled.data
    return Answer(digest.hexdigest(), rows, costs=_costs(gateway, batch, batch.message_ids))


def _costs(gateway: Gateway, batch: Batch, message_ids: Mapping[int, int]) -> dict[int, tuple[int, str]]:
    """What the gateway says mailings cost that have no price yet. Following goes on without an answer."""
    costs: dict[int, tuple[int, str]] = {}
    for number, message_id in message_ids.items():
        if f"cost:{number}" not in batch.fields:
            with suppress(GatewayError):
                costs |= _cost(gateway, number, message_id)
    return costs


def final_costs(services: Services, batch: Batch) -> dict[int, tuple[int, str]]:
    """What its mailings cost in the end, by number: millionths and currency. Raises GatewayError."""
    gateway = services.gateway(batch.account)
    costs: dict[int, tuple[int, str]] = {}
    for number, message_id in batch.message_ids.items():
        costs |= _cost(gateway, number, message_id)
    return costs


def _cost(gateway: Gateway, number: int, message_id: int) -> dict[int, tuple[int, str]]:
    data = gateway.get_viber_message_data(message_id)
    return {} if data.cost is None else {number: (int(data.cost * _MICRO), data.currency)}
