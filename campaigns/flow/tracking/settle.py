"""When a batch is settled: nothing more can come of it, and its price is final or will never be known."""

from __future__ import annotations

from campaigns.errors import GatewayError
from campaigns.flow.tracking.fetch import final_costs, last_digest
from campaigns.ledger import FETCH, POLL_VERB, Batch, Move
from campaigns.ledger.message_ids import known_at_gateway
from campaigns.ledger.states import ACCEPTED, REJECTED, SETTLED
from campaigns.services import Services
from campaigns.statuses import NOT_AT_ALL


def acceptance_suffices(batch: Batch, now_ms: int) -> bool:
    """Whether its campaign follows no message further than to the gateway, and all refusals are known."""
    return batch.follow == NOT_AT_ALL and known_at_gateway(batch) and now_ms >= batch.number("followed_ms")


def settle(services: Services, batch_id: str, *, over: bool, ask_price: bool = True, why: str = "") -> bool:
    """Settle a batch if nothing more can come. Returns whether its polling has ended, now or before.

    `over`: it is not followed any longer, so neither an open status nor an unknown price keeps it from being settled;
    `why` is the reason if no answer ended it. `ask_price`: whether to ask the gateway for its price and record that.
    """
    batch = services.batches.read(batch_id)
    if batch.state != ACCEPTED:
        return True
    if batch.recipients == 0 and batch.mailings and batch.kind != "list":
        return _reject(services, batch)
    if not over and (batch.number("final") < batch.recipients or last_digest(batch) is None):
        return False
    prices = _record_price(services, batch) if ask_price else {}
    if prices is None and not over:
        return False
    # A server that took another's place meanwhile may lack the price, or the last statuses.
    must_hold = {"v": batch.fields.get("v", ""), **(prices or {})}
    move = Move(SETTLED, {"reason": why} if why else {}, {"text": why}, {POLL_VERB: None}, only_if=must_hold)
    return services.batches.move(batch, move, from_states={ACCEPTED})


def _reject(services: Services, batch: Batch) -> bool:
    """The gateway refused every mailing of the batch. Returns whether it was moved."""
    text = "; ".join(text for name, text in batch.fields.items() if name.startswith("rejected:"))
    move = Move(REJECTED, {"gateway_text": text}, {"text": text}, {POLL_VERB: None, FETCH: None})
    return services.batches.move(batch, move, from_states={ACCEPTED})


def _record_price(services: Services, batch: Batch) -> dict[str, str] | None:
    """Record what the batch cost in the end. Returns the fields that hold it; None if the gateway does not say now."""
    try:
        costs = final_costs(services, batch)
    except GatewayError:
        return None
    return dict(services.deliveries.price(batch, mailing, cost, final=True) for mailing, cost in costs.items())
