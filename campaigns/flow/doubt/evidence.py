"""Evidence: what getViberMessages and getViberDeliveryList say about a request in doubt.

The gateway does not promise that the listing shows what sendBulkViber and sendQuickViberMessage sent, nor how soon.
So a mailing that is found proves that its request arrived. That none is found proves nothing until the same listing
shows another batch of ours with all its phones: one of the same kind, claimed later, and known to be accepted. What
cannot be understood is neither evidence nor absence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from campaigns.errors import AccountRefusedError, ContentRefusedError
from campaigns.flow.doubt.awaited_ids import record_awaited_ids
from campaigns.flow.doubt.likeness import Likeness, likeness, understood_phones
from campaigns.flow.doubt.listing import Listed, Portion, read_listing
from campaigns.flow.doubt.listing_check import Candidate, Check
from campaigns.gateway import Gateway
from campaigns.ledger import Batch
from campaigns.ledger.erased import is_emptied
from campaigns.ledger.message_ids import known_at_gateway
from campaigns.ledger.states import ACCEPTED, CANCELLED, HELD, REJECTED, SENDING, SETTLED, UNKNOWN, WRITTEN_OFF
from campaigns.planning.planner import listed_content, phones_of, texts_of
from campaigns.services import Services
from campaigns.settings import Milliseconds, Settings

#: The field of a batch that lost phones to opt-outs after a request of it was in doubt.
REDUCED: Final = "reduced_ms"
#: Clocks differ; the gateway's times may have no seconds.
_CLOCK_MARGIN_MS: Final = 120_000
#: Mailings that one check opens with getViberDeliveryList.
OPENED: Final = 20
#: Batches whose phones one check compares to find one that shows that the listing can be trusted.
_CALIBRATIONS: Final = 3
#: Batches of the listing, the newest first, among which it searches for that one.
_YOUNGER: Final = 50
#: Lookalikes that are read in one round trip.
_LOOKALIKES_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check of the listing has shown so far: a long listing takes more than one turn."""

    found: dict[int, int] = field(default_factory=dict)  # mailing → message id
    finished: bool = True  # the listing was read back to the claim, and all that may be ours was opened
    complete: bool = False  # it was, and nothing remained that could not be told apart
    calibrated: bool = False  # a younger batch that is known to be accepted was in it, with all its phones
    lookalikes: frozenset[str] = frozenset()  # batches that the same mailing could belong to
    state: str = ""  # where the next turn goes on


class Own:
    """A batch in doubt and what its mailings hold: content, the texts of a personal one, phones."""

    def __init__(self, batch: Batch, body: bytes) -> None:
        self.batch = batch
        self.contents = listed_content(batch.kind, body)
        self.texts = texts_of(batch.kind, body)
        self.phones = [frozenset(phones) for phones in phones_of(batch.kind, body)]
        self.everybody = frozenset().union(*self.phones)

    def fitting(self, listed: Listed) -> dict[int, Likeness]:
        """Numbers of the mailings that a listed one may be, the likeliest first."""
        likely = {
            number: likeness(listed.data, content, self.texts[number]) for number, content in enumerate(self.contents)
        }
        # The texts of personal mailings are not listed, so they fit more and come last.
        ordered = sorted(likely, key=lambda n: (-likely[n], -len(self.contents[n]), n))
        return {number: likely[number] for number in ordered if likely[number]}


def check_listing(services: Services, batch: Batch) -> CheckResult:
    """Check the listing for the mailings of a batch, at a bounded number of requests. Raises GatewayError."""
    body = services.batches.body(batch.id)
    if body is None:
        return CheckResult()
    gateway, check = services.gateway(batch.account), Check.of(batch)
    since_ms = batch.number("claimed_ms") - _CLOCK_MARGIN_MS
    portion = (
        Portion([], check.offset, True) if check.ended else read_listing(services, gateway, since_ms, check.offset)
    )
    # After the listing: a lookalike that went out meanwhile is not in it.
    lookalikes = frozenset(_lookalikes(services, batch))
    if lookalikes and batch.kind == "bulk" and record_awaited_ids(services, gateway, batch, lookalikes):
        lookalikes = frozenset(_lookalikes(services, batch))
    if lookalikes:
        return CheckResult(lookalikes=lookalikes)
    own = Own(batch, body)
    others = check.take_in(own.fitting, portion, since_ms, services.batches.foreign(batch))
    _drop_owned(services, gateway, batch, check)
    left = _open(services, gateway, own, check, check.likeliest(batch.number("claimed_ms"), OPENED))
    owned = services.batches.owners(batch.account, [listed.message_id for listed in others])
    unknown_phones = [Candidate.of(listed, {}, since_ms) for listed in others if listed.message_id not in owned]
    _open(services, gateway, own, check, unknown_phones[:left])
    check.calibrated = check.calibrated or _calibrates(services, gateway, batch, portion, since_ms)
    return _result_of(services, batch, check)


def _result_of(services: Services, batch: Batch, check: Check) -> CheckResult:
    owned = services.batches.owners(batch.account, sorted(check.suspicious))
    check.suspicious -= {message_id for message_id, owner in owned.items() if owner[0] != batch.id}
    complete = check.finished and not check.suspicious
    state = "" if check.finished else check.packed(batch)
    return CheckResult(check.found, check.finished, complete, check.calibrated, state=state)


def _drop_owned(services: Services, gateway: Gateway, batch: Batch, check: Check) -> None:
    """Drop mailings that belong to other batches. Batches whose ids are not known yet are asked for by uuid."""

    def drop() -> None:
        owned = services.batches.owners(batch.account, sorted(check.pending))
        for message_id, owner in owned.items():
            if owner[0] != batch.id:
                del check.pending[message_id]

    drop()
    if check.pending and record_awaited_ids(services, gateway, batch):
        drop()


def _open(services: Services, gateway: Gateway, own: Own, check: Check, candidates: Sequence[Candidate]) -> int:
    """Compare the phones of mailings with ours. Returns how many more this turn may open.

    Oldest first, so that mailings that only differ in what is not listed keep the order of their request.
    """
    foreign = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.message_id):
        phones = phones_at(gateway, candidate.message_id)
        matching = (n for n in candidate.same if n not in check.found and phones == own.phones[n])
        number = next(matching, None)
        check.pending.pop(candidate.message_id, None)
        if number is not None and candidate.recent:
            check.found[number] = candidate.message_id
        elif number is not None or (
            # Recent, and of no other batch: the gateway took fewer phones, or does not show all, or masks them.
            candidate.recent and (candidate.same or phones is None or phones & own.everybody)
        ):
            check.suspicious.add(candidate.message_id)
        else:
            foreign.append(candidate.message_id)
    services.batches.note_foreign(own.batch, foreign, 2 * services.ms.settle_window)
    return OPENED - len(candidates)


def phones_at(gateway: Gateway, message_id: int) -> frozenset[str] | None:
    """The phones of a mailing at the gateway; None if they cannot be understood, or the gateway refuses to show them.

    Raises GatewayError for an error that is not about this mailing alone.
    """
    try:
        return understood_phones(gateway.get_viber_delivery_list(message_id).data)
    except ContentRefusedError:
        return None


def _calibrates(services: Services, gateway: Gateway, batch: Batch, portion: Portion, since_ms: int) -> bool:
    """Whether the listing shows a batch of the same kind that was claimed later, is accepted, and has its phones."""
    created = {listed.message_id: listed.created_ms for listed in portion.mailings if listed.since(since_ms)}
    owners = services.batches.owners(batch.account, sorted(created, reverse=True))
    ids = list(dict.fromkeys(batch_id for batch_id, _ in owners.values() if batch_id != batch.id))[:_YOUNGER]
    others = {other.id: other for other in services.batches.read_many(ids)}
    tried = 0
    for message_id, (batch_id, number) in owners.items():
        other = others.get(batch_id)
        if other is None or not _younger(other, batch, created[message_id], services.settings):
            continue
        body = services.batches.body(batch_id)
        phones = phones_of(other.kind, body) if body is not None else []
        tried += 1
        if number < len(phones) and phones_at(gateway, message_id) == frozenset(phones[number]):
            return True
        if tried >= _CALIBRATIONS:
            break
    return False


def _younger(other: Batch, batch: Batch, created_ms: int | None, settings: Settings) -> bool:
    """Whether a batch was claimed after the one in doubt and accepted, and the gateway's clock agrees with ours."""
    claimed_ms = other.number("claimed_ms")
    latest_ms = claimed_ms + Milliseconds(settings).lease + _CLOCK_MARGIN_MS
    return (
        other.kind == batch.kind
        and other.state in {ACCEPTED, SETTLED}
        and claimed_ms > batch.sent_by_ms
        and created_ms is not None
        and claimed_ms - _CLOCK_MARGIN_MS <= created_ms <= latest_ms
    )


def second_copies(services: Services, batch: Batch, since_ms: int) -> dict[int, int]:
    """Second copies of this batch's mailings in the listing, made since `since_ms`: message id → mailing.

    Empty while the batch's own ids, or those of a lookalike, are not known. Raises GatewayError.
    """
    body = services.batches.body(batch.id)
    if body is None or not known_at_gateway(batch):
        return {}
    gateway, own = services.gateway(batch.account), Own(batch, body)
    earliest_ms = since_ms - _CLOCK_MARGIN_MS
    portion = read_listing(services, gateway, earliest_ms)
    # After the listing: a lookalike that went out meanwhile is not in it.
    if any(_lookalikes(services, batch)):
        return {}
    check = Check()
    check.take_in(own.fitting, portion, earliest_ms, frozenset(batch.message_ids.values()))
    _drop_owned(services, gateway, batch, check)
    found: dict[int, int] = {}
    for candidate in [c for c in check.likeliest(since_ms, OPENED) if c.recent and c.same]:
        there = phones_at(gateway, candidate.message_id)
        same = (n for n in candidate.same if there is not None and _same_people(batch, there, own.phones[n]))
        if (number := next(same, None)) is not None:
            found[candidate.message_id] = number
    return found


def verified_uuid(services: Services, batch: Batch, uuid: str) -> bool:
    """Whether the uuid of a callback is this batch's: statusBulkViber names its phones, and no id of another batch.

    Names do not count: the gateway may alter them. Raises GatewayError.
    """
    body = services.batches.body(batch.id)
    if body is None:
        return False
    left = Counter(frozenset(phones) for phones in phones_of(batch.kind, body))
    try:
        mailings = services.gateway(batch.account).status_bulk_viber(uuid).data.mailings
    except (ContentRefusedError, AccountRefusedError):
        return False
    for mailing in mailings:
        phones = understood_phones(mailing.rows)
        if phones is None or left[phones] == 0:
            return False
        left[phones] -= 1
    ids = [mailing.message_id for mailing in mailings if mailing.message_id is not None]
    owners = services.batches.owners(batch.account, ids)
    return bool(mailings) and all(owner[0] == batch.id for owner in owners.values())


def _same_people(batch: Batch, there: frozenset[str], own: frozenset[str]) -> bool:
    """Whether a listed mailing went to a batch's phones; an earlier request may have had more than are left."""
    return there == own or (REDUCED in batch.fields and bool(own) and there > own)


def absence_proven(batch: Batch, result: CheckResult, now_ms: int, settings: Settings) -> bool:
    """Whether it is certain that the request never arrived.

    That takes: the settle window has passed since the claim; this is at least the second complete check, far enough
    from the first; both saw a younger batch of ours in the listing; and no callback came. If the batch lost phones to
    opt-outs while it was in doubt, nothing proves absence, since its earlier request had other phones.
    """
    ms = Milliseconds(settings)
    return (
        result.complete
        and result.calibrated
        and not result.found
        and not result.lookalikes
        and not batch.fields.get("callback_ms")
        and REDUCED not in batch.fields
        and batch.number("checks") >= 1
        and now_ms - batch.number("checked_ms") >= ms.check_interval
        and now_ms >= batch.sent_by_ms + ms.settle_window
    )


def _lookalikes(services: Services, batch: Batch) -> Iterator[str]:
    """Other batches whose mailings look the same and whose ids at the gateway are not known yet.

    Every single message with the same text is one, so they are read a few hundred at a time.
    """
    lookalikes = chain.from_iterable(
        services.batches.lookalikes(word) for word in {m.fingerprint for m in batch.mailings}
    )
    pairs = (pair for pair in lookalikes if pair[0] != batch.id)
    while portion := list(islice(pairs, _LOOKALIKES_AT_ONCE)):
        ids = sorted({other_id for other_id, _ in portion})
        others = {other.id: other for other in services.batches.read_many(ids)}
        yield from (other_id for other_id, mailing in portion if _may_be_listed(others[other_id], mailing))


def _may_be_listed(other: Batch, mailing: int) -> bool:
    """Whether a mailing may be at the gateway under an id that is not known yet."""
    open_states = {SENDING, UNKNOWN, HELD, ACCEPTED, SETTLED, WRITTEN_OFF}
    sure = other.state in {"", REJECTED, CANCELLED} or other.attempt == 0
    named = mailing in other.message_ids or is_emptied(other, mailing)
    return not sure and other.state in open_states and not named
