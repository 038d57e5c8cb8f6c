"""Asks the gateway about a batch of any kind, and reads the answers in one form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from zlib import crc32

from campaigns.answers.rows import DeliveryRows
from campaigns.errors import GatewayError
from campaigns.flow.matching import match
from campaigns.gateway import Gateway
from campaigns.ledger import Batch
from campaigns.results.oddities import Odd
from campaigns.services import Services

_MICRO = 1_000_000
#: Currency → millionths.
Cost = dict[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway says about a batch, each part by the mailing's number in the batch.

    `odd` counts what could not be read, or belongs to no mailing of the batch.
    """

    digest: str
    rows: Mapping[int, DeliveryRows] = field(default_factory=dict, repr=False)
    rejected: Mapping[int, str] = field(default_factory=dict, repr=False)
    message_ids: Mapping[int, Sequence[int]] = field(default_factory=dict)
    costs: Mapping[int, Cost] = field(default_factory=dict)
    odd: Sequence[Odd] = field(default=(), repr=False)


def ask(gateway: Gateway, batch: Batch, phones: Callable[[], Sequence[Sequence[str]]]) -> Answer:
    """Ask once. Raises GatewayError. An answer equal to the last one is not parsed.

    Bulk batches ask statusBulkViber. Those without a uuid, which were accepted on evidence alone, and list mailings
    ask getViberDeliveryList; quick messages ask getViberDeliveryData.

    `phones` gives the recipients of each mailing, empty lists once they have expired.
    """
    last = last_digest(batch)
    if batch.kind == "quick":
        return _ask_quick(gateway, batch, phones, last)
    if batch.kind == "bulk" and batch.fields.get("uuid"):
        return _ask_bulk(gateway, batch, phones, last)
    return _ask_lists(gateway, batch, last)


def last_digest(batch: Batch) -> str | None:
    """The digest of the last answer, if the batch still holds all that was written because of it.

    A replica that took the primary's place in the middle of a poll may hold the digest and lack what it stands for.
    """
    digest, _, mark = batch.fields.get("digest", "").partition(" ")
    return digest if mark == _mark(batch.fields) else None


def marked(digest: str, fields: Mapping[str, str]) -> str:
    """A digest as a batch keeps it, with a mark of `fields`: what the batch holds once the whole answer is written."""
    return f"{digest} {_mark(fields)}"


def _mark(fields: Mapping[str, str]) -> str:
    parts = sorted(name for name in fields if name.startswith(("rejected:", "cost:")))
    return f"{crc32(' '.join([fields.get('v', ''), fields.get('message_ids', ''), *parts]).encode()):08x}"


def _ask_quick(
    gateway: Gateway, batch: Batch, phones: Callable[[], Sequence[Sequence[str]]], last_digest: str | None
) -> Answer:
    message_id = batch.message_ids.get(0)
    if message_id is None:
        return Answer(last_digest or "")  # a person resolved it as sent, so no id is known
    polled = gateway.get_viber_delivery_data(message_id)
    if polled.digest == last_digest:
        return Answer(polled.digest)
    row = polled.data
    if not row.phone:
        # It was asked for by id, and the message has one recipient.
        own = next(iter(phones()), ())
        row = row._replace(phone=own[0] if own else "")
    return Answer(polled.digest, rows={0: DeliveryRows.of([row])})


def _ask_bulk(
    gateway: Gateway, batch: Batch, phones: Callable[[], Sequence[Sequence[str]]], last_digest: str | None
) -> Answer:
    method = "statusBulkViber"
    polled = gateway.status_bulk_viber(batch.fields["uuid"])
    if polled.digest == last_digest:
        return Answer(polled.digest)
    found = match(batch.mailings, batch.all_message_ids, phones, polled.data)
    odd = [
        Odd(method, None, "unreadable element", polled.data.unreadable),
        Odd(method, None, "mailing that this batch never had", found.unmatched_mailings),
        Odd(method, None, "error that names no mailing of this batch", found.unmatched_refusals),
    ]
    costs = _costs(gateway, batch, found.ids)
    return Answer(polled.digest, found.rows, found.rejected, found.ids, costs, [o for o in odd if o.number])


def _ask_lists(gateway: Gateway, batch: Batch, last_digest: str | None) -> Answer:
    rows: dict[int, DeliveryRows] = {}
    digest = blake2b(digest_size=16)
    polls = [
        (number, gateway.get_viber_delivery_list(message_id))
        for number, ids in sorted(batch.all_message_ids.items())
        for message_id in ids
    ]
    for _, polled in polls:
        digest.update(polled.digest.encode())
    if digest.hexdigest() == last_digest:
        return Answer(digest.hexdigest())
    for number, polled in polls:
        rows[number] = rows[number] + polled.data if number in rows else polled.data
    return Answer(digest.hexdigest(), rows, costs=_costs(gateway, batch, batch.all_message_ids))


def _costs(gateway: Gateway, batch: Batch, message_ids: Mapping[int, Sequence[int]]) -> dict[int, Cost]:
    """What mailings without a price cost, as far as the gateway says. A failure does not stop the poll."""
    costs: dict[int, Cost] = {}
    for number, ids in message_ids.items():
        if f"cost:{number}" not in batch.fields:
            with suppress(GatewayError):
                costs[number] = _cost(gateway, ids)
    return {number: cost for number, cost in costs.items() if cost}


def final_costs(services: Services, batch: Batch) -> dict[int, Cost]:
    """What each mailing of a batch cost in the end, in millionths by currency. Raises GatewayError."""
    gateway = services.gateway(batch.account)
    costs = {number: _cost(gateway, ids) for number, ids in batch.all_message_ids.items()}
    return {number: cost for number, cost in costs.items() if cost}


def _cost(gateway: Gateway, message_ids: Sequence[int]) -> Cost:
    total: Counter[str] = Counter()
    for message_id in message_ids:
        data = gateway.get_viber_message_data(message_id)
        if data.cost is not None:
            total[data.currency] += int(data.cost * _MICRO)
    return dict(total)
