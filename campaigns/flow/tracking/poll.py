"""Polling: ask what became of a batch, write what changed, settle it when nothing more can come.

Bulk batches ask statusBulkViber; those accepted on evidence alone, which have no uuid, and list mailings
ask getViberDeliveryList; quick messages ask getViberDeliveryData.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property

from campaigns.accounts.limiter import Permit
from campaigns.answers.rows import DeliveryRows
from campaigns.errors import GatewayError
from campaigns.flow.poll_schedule import again_ms, followed_to_the_end, poll_fraction
from campaigns.flow.tracking.fetch import Answer, ask, final_costs, last_digest, marked
from campaigns.ledger import FETCH, POLL_VERB, Batch, Entry, Move
from campaigns.ledger.states import ACCEPTED, REJECTED, SETTLED
from campaigns.planning.planner import phones_of
from campaigns.results import Odd, compare, expire_unreported
from campaigns.results.changes import Change, Comparison
from campaigns.services import Services
from campaigns.statuses import NOT_AT_ALL, final_words
from campaigns.store.client import ScriptCall
from campaigns.times.gateway_times import gateway_reader

log = logging.getLogger(__name__)

_CONFLICTS = 5
#: How long a look waits for a permit, if the deadline of a request is not shorter.
_PATIENCE_S = 5.0


class Polled:
    """One look at one batch, at `now_ms`."""

    def __init__(self, services: Services, batch: Batch, now_ms: int) -> None:
        self.services = services
        self.batch = batch
        self.now_ms = now_ms
        self.final = final_words(services.settings.final_statuses, batch.follow)
        #: Of the batch's deliveries, as this look last saw or left them.
        self.version: str | None = batch.fields.get("v")

    @cached_property
    def phones(self) -> list[list[str]]:
        """The batch's own phones per mailing, from its request body; empty lists once that has expired."""
        body = self.services.batches.body(self.batch.id)
        return phones_of(self.batch.kind, body) if body is not None else [[] for _ in self.batch.mailings]

    def of_mailing(self, mailing: int, heard: Iterable[str]) -> Collection[str]:
        """The phones that count for a mailing: a list mailing's are only known from the gateway."""
        if self.batch.recipients == 0 and self.batch.kind != "list":
            # All were taken out, and then an earlier attempt was accepted after all: they are counted elsewhere.
            return frozenset()
        own = self.phones[mailing]
        return frozenset(own) if own else frozenset(heard)


def poll(services: Services, batch: Batch, now_ms: int, first: Permit | None) -> list[ScriptCall]:
    """Poll once. Raises nothing that the gateway does: the next poll is due in any case.

    `first` is a permit that is held already. Returns how the poll ends, for the next round trip of the worker's turn:
    until then the batch is due again anyway.
    """
    batch_id = batch.id
    if batch.state != ACCEPTED:
        services.due.drop(Entry(POLL_VERB, batch_id), batch)
        return [services.limiter.releasing(first, used=False)] if first else []
    if _enough(batch, now_ms):
        _settle(services, batch_id, past_horizon=True, priced=True)
        return [services.limiter.releasing(first, used=False)] if first else []
    polled = Polled(services, batch, now_ms)
    followed_ms, horizon_s = batch.number("followed_ms"), services.settings.poll_horizon_s
    end_ms = followed_ms + round(horizon_s * 1000)
    delay_s, trouble = None, ""
    patience_s = min(_PATIENCE_S, services.settings.deadline_s)
    with services.limiter.reads(batch.account, patience_s, first) as reads:
        try:
            answer = ask(services.gateway(batch.account).under(reads), batch, lambda: polled.phones)
        except GatewayError as error:
            answer, delay_s, trouble = None, _trouble(batch, error), error.gateway_text or error.reason
        past_horizon = followed_to_the_end(polled.now_ms, followed_ms, horizon_s, answered=answer is not None)
        news = answer is not None and answer.digest != last_digest(batch)
        # Fast path: nothing new in the answer, and not every status is final, so there is nothing to write or settle.
        if not news and not past_horizon and batch.number("final") < batch.recipients:
            if trouble and polled.now_ms >= end_ms:
                text = f"followed on until the gateway answers: {trouble}"
                services.batches.note(batch, {"text": text}, state=ACCEPTED, fence=batch.fence)
            return [*reads.release_calls(), _poll_again(polled, end_ms, delay_s)]
    if answer is not None and news:
        _take_in(polled, answer)
    if past_horizon:
        _silence(polled)
    why = f"given up without an answer: {trouble}" if past_horizon and trouble else ""
    enough = _enough(polled.batch, now_ms)
    if not _settle(services, batch_id, past_horizon=past_horizon or enough, priced=enough, why=why):
        return [_poll_again(polled, end_ms, delay_s)]
    return []


def _enough(batch: Batch, now_ms: int) -> bool:
    """Whether its campaign asks for no more than that the gateway has it, and all that could be refused was."""
    return batch.follow == NOT_AT_ALL and batch.known_at_gateway and now_ms >= batch.number("followed_ms")


def _take_in(polled: Polled, answer: Answer) -> None:
    services, batch, holds = polled.services, polled.batch, dict(polled.batch.fields)
    holds |= services.deliveries.record_message_ids(
        batch, answer.message_ids, round(services.settings.retention_s * 1000)
    )
    polled.batch = batch = services.batches.read(batch.id)
    for mailing, text in answer.rejected.items():
        # What was ever heard of went out: to call it refused would let it be sent again.
        went_out = mailing in batch.message_ids or services.deliveries.any_stored(batch.id, mailing)
        if f"rejected:{mailing}" not in batch.fields and not went_out:
            recipients = len(polled.phones[mailing]) or batch.mailings[mailing].recipients
            services.deliveries.reject_mailing(batch, mailing, recipients, text)
            holds[f"rejected:{mailing}"] = text
    if batch.kind == "list":
        _count_listed(polled, answer.rows.get(0, DeliveryRows([])))
    written = [
        _write_rows(polled, mailing, rows)
        for mailing, rows in answer.rows.items()
        if f"rejected:{mailing}" not in batch.fields
    ]
    for mailing, costs in answer.costs.items():
        services.deliveries.price(batch, mailing, costs)
        holds[f"cost:{mailing}"] = ""
    for odd in answer.odd:
        services.oddities.note(batch, odd)
    # Only then may an equal answer be passed over.
    if all(written):
        digest = marked(answer.digest, holds | {"v": polled.version or ""})
        services.batches.note(batch, {"digest": digest}, state=ACCEPTED, fence=batch.fence)


def _count_listed(polled: Polled, rows: DeliveryRows) -> None:
    """Count everybody whom a list mailing reached: the list may have grown since `count_subscribers` was told."""
    services, batch = polled.services, polled.batch
    number = len({row.phone for row in rows} | services.deliveries.stored(batch.id, 0).keys())
    if number > batch.recipients:
        services.batches.note(batch, {}, state=ACCEPTED, fence=batch.fence, recipients=number)


def _write_rows(polled: Polled, mailing: int, rows: DeliveryRows) -> bool:
    services = polled.services
    last: list[Comparison] = []

    def found(stored: Mapping[str, str]) -> list[Change]:
        comparison = compare(
            stored,
            rows,
            phones=lambda: polled.of_mailing(mailing, (row.phone for row in rows)),
            final=polled.final,
            now_ms=polled.now_ms,
            at_ms=gateway_reader(services.settings.gateway_timezone),
        )
        last[:] = [comparison]
        return comparison.changes

    written = _write(polled, mailing, found)
    _say_odd(polled, mailing, last[0])
    return written


def _say_odd(polled: Polled, mailing: int, found: Comparison) -> None:
    """Say what of an answer could not be used: the rest of it counts all the same."""
    method = "getViberDeliveryList" if polled.batch.kind == "list" else "statusBulkViber"
    method = "getViberDeliveryData" if polled.batch.kind == "quick" else method
    for reason, number in (
        ("unreadable row", found.unreadable),
        ("phone that the mailing never had", found.unknown_phones),
        ("status word that nobody knows", found.unknown_statuses),
    ):
        if number:
            facts = {**polled.batch.facts, "method": method, "mailing": mailing, "reason": reason, "rows": number}
            log.warning("odd_rows", extra=facts)
            polled.services.oddities.note(polled.batch, Odd(method, mailing, reason, number))


def _write(polled: Polled, mailing: int, found: Callable[[Mapping[str, str]], list[Change]]) -> bool:
    """Compare and write; compare again if somebody else wrote meanwhile.

    Returns whether it was all written and nothing else was: neither by somebody else, nor was anything lost.
    """
    services, alone = polled.services, True
    for _ in range(_CONFLICTS):
        version, stored = services.deliveries.read_versioned(polled.batch.id, mailing)
        alone = alone and version == polled.version
        changes, polled.version = found(stored), version
        if changes:
            write = services.deliveries.write
            polled.version = write(polled.batch, mailing, changes, version, seen_ms=polled.now_ms)
        if polled.version is not None:
            return alone
    log.warning("intake_conflict", extra={**polled.batch.facts, "mailing": mailing, "tries": _CONFLICTS})
    return False


def _silence(polled: Polled) -> None:
    """The horizon passed: whatever is still open will stay unknown."""
    for mailing in range(len(polled.batch.mailings)):
        if f"rejected:{mailing}" not in polled.batch.fields:
            _write(
                polled,
                mailing,
                lambda stored, m=mailing: expire_unreported(  # type: ignore[misc]
                    stored, dict.fromkeys([*polled.phones[m], *stored]), final=polled.final, now_ms=polled.now_ms
                ),
            )


def _settle(services: Services, batch_id: str, *, past_horizon: bool, priced: bool = False, why: str = "") -> bool:
    """Whether the batch is done with, now or before. `why` says that no answer ended it.

    `priced`: its price is as known as it will be.
    """
    batch = services.batches.read(batch_id)
    if batch.state != ACCEPTED:
        return True
    if batch.recipients == 0 and batch.mailings and batch.kind != "list":
        text = "; ".join(v for n, v in batch.fields.items() if n.startswith("rejected:"))
        move = Move(REJECTED, {"gateway_text": text}, {"text": text}, {POLL_VERB: None, FETCH: None})
        return services.batches.move(batch, move, from_states={ACCEPTED})
    if not past_horizon and (batch.number("final") < batch.recipients or last_digest(batch) is None):
        return False
    prices = {} if priced else _priced(services, batch)
    if prices is None and not past_horizon:
        return False
    # A server that took another's place meanwhile may lack the price, or the last statuses.
    holds = {"v": batch.fields.get("v", ""), **(prices or {})}
    move = Move(SETTLED, {"reason": why} if why else {}, {"text": why}, {POLL_VERB: None}, only_if=holds)
    return services.batches.move(batch, move, from_states={ACCEPTED})


def _priced(services: Services, batch: Batch) -> dict[str, str] | None:
    """Write down what the batch cost in the end; None if the gateway does not say now. Returns the fields that tell."""
    try:
        costs = final_costs(services, batch)
    except GatewayError:
        return None
    return dict(services.deliveries.price(batch, mailing, cost) for mailing, cost in costs.items())


def _poll_again(polled: Polled, end_ms: int, delay_s: float | None) -> ScriptCall:
    settings, batch = polled.services.settings, polled.batch
    starts_at_ms, least_s = batch.number("followed_ms"), settings.poll_min_s
    if polled.now_ms < starts_at_ms and batch.fields.get("uuid") and len(batch.message_ids) < len(batch.mailings):
        # A scheduled mailing may be refused long before its time, and until then nobody knows its id.
        starts_at_ms, end_ms = batch.number("claimed_ms"), starts_at_ms + round(least_s * 1000)
    due_ms = again_ms(
        polled.now_ms,
        starts_at_ms,
        fraction=poll_fraction(settings, batch.recipients),
        minimum_s=least_s,
        end_ms=end_ms,
        delay_s=delay_s,
    )
    return polled.services.due.putting([(Entry(POLL_VERB, batch.id), batch, due_ms)])


def _trouble(batch: Batch, error: GatewayError) -> float | None:
    """Seconds until the next polled, if the trouble says so. The account pauses by itself if it was refused."""
    log.info("poll_failed", extra={**batch.facts, **error.facts})
    return error.retry_after_s
