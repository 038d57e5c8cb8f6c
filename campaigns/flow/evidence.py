"""Evidence: what getViberMessages and getViberDeliveryList say about a request in doubt.

Whether the listing shows what sendBulkViber and sendQuickViberMessage sent is nowhere promised. So
finding proves that a request arrived, and not finding proves nothing until another batch of ours, of the
same kind and known to be accepted, was seen in the same listing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from campaigns.errors import AccountRefusedError, ContentRefusedError
from campaigns.flow.services import Services
from campaigns.gateway import Gateway, MailingData
from campaigns.ledger import Batch
from campaigns.ledger.states import ACCEPTED, CANCELLED, HELD, REJECTED, SENDING, SETTLED, UNKNOWN, WRITTEN_OFF
from campaigns.planning import listed_content, phones_of
from campaigns.settings import Settings
from campaigns.times import from_gateway

_ROWS_PER_PAGE = 100
_MOST_PAGES = 50
#: The field that says that a batch lost phones to the opt-outs after a request of it was in doubt.
REDUCED = "reduced_ms"
#: Clocks differ; the gateway's times may have no seconds.
_CLOCK_MARGIN_MS = 120_000


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the listing showed."""

    found: dict[int, int] = field(default_factory=dict)  # mailing → message id
    complete: bool = False  # every page back to the claim was read
    calibrated: bool = False  # a batch that is known to be accepted was in it
    twins: frozenset[str] = frozenset()  # batches that the same mailing could belong to


def look_for(services: Services, batch: Batch) -> Look:
    """Search the listing for the mailings of a batch. Raises GatewayError."""
    gateway = services.gateway(batch.account)
    since_ms = batch.number("claimed_ms") - _CLOCK_MARGIN_MS
    listed, complete = _listed_since(services, gateway, since_ms)
    known = known_ids(services, batch)
    calibrated = any(mailing.message_id in known for mailing, _ in listed)
    body = services.batches.body(batch.id)
    if body is None:
        return Look(calibrated=calibrated)
    twins = frozenset(_twins(services, batch))
    if twins:
        return Look(complete=False, calibrated=calibrated, twins=twins)
    search = _Search(services, gateway, batch, listed_content(batch.kind, body), phones_of(batch.kind, body))
    # Oldest first, so that mailings that only differ in what is not listed keep the order of their request.
    for mailing, created_ms in sorted(listed, key=lambda pair: pair[0].message_id):
        search.consider(mailing, recent=created_ms >= since_ms)
    return Look(search.found, complete and not search.suspicious, calibrated)


class _Search:
    """Compares listed mailings with those of a batch."""

    def __init__(
        self,
        services: Services,
        gateway: Gateway,
        batch: Batch,
        contents: list[dict[str, str]],
        phones: list[list[str]],
    ) -> None:
        self.found: dict[int, int] = {}
        #: A mailing fits that is older than the request: clocks or zones may be wrong, so it proves nothing,
        #: and absence cannot be proven beside it.
        self.suspicious = False
        self._services = services
        self._gateway = gateway
        self._batch = batch
        self._contents = contents
        self._phones = phones

    def consider(self, mailing: MailingData, *, recent: bool) -> None:
        numbers = [number for number in _fitting(mailing, self._contents) if number not in self.found]
        if not (recent or numbers) or not self._may_be_ours(mailing.message_id):
            return
        data = self._gateway.get_viber_delivery_list(mailing.message_id).data
        there = {row.phone for row in data}
        same = next((number for number in numbers if there == set(self._phones[number])), None)
        if same is not None and recent:
            self.found[same] = mailing.message_id
        elif same is not None:
            self.suspicious = True
        elif recent and (not there or data.skipped or any(there & set(phones) for phones in self._phones)):
            # Nearly ours: less was taken, or not all is shown yet, or the text was changed.
            self.suspicious = True

    def _may_be_ours(self, message_id: int) -> bool:
        owner = self._services.batches.owner(self._batch.account, message_id)
        return owner is None or owner[0] == self._batch.id


def strays(services: Services, batch: Batch, since_ms: int) -> dict[int, int]:
    """Mailings of the listing, made since `since_ms`, that are this batch's once more: message id → mailing.

    Nothing is said while the batch's own ids, or those of a batch that looks like it, are not known. Raises
    GatewayError.
    """
    body = services.batches.body(batch.id)
    own = set(batch.message_ids.values())
    taken = [number for number in range(len(batch.mailings)) if f"rejected:{number}" not in batch.fields]
    if body is None or any(number not in batch.message_ids for number in taken):
        return {}
    gateway = services.gateway(batch.account)
    earliest_ms = since_ms - _CLOCK_MARGIN_MS
    listed, _ = _listed_since(services, gateway, earliest_ms)
    # After the listing: a twin that went out meanwhile is not in it.
    if any(_twins(services, batch)):
        return {}
    contents, phones = listed_content(batch.kind, body), phones_of(batch.kind, body)
    found: dict[int, int] = {}
    for mailing, created_ms in listed:
        numbers = list(_fitting(mailing, contents))
        foreign = services.batches.owner(batch.account, mailing.message_id) is not None
        if created_ms < earliest_ms or mailing.message_id in own or not numbers or foreign:
            continue
        rows = gateway.get_viber_delivery_list(mailing.message_id).data
        there = {row.phone for row in rows}
        same = next((number for number in numbers if _same_people(batch, there, set(phones[number]))), None)
        if same is not None:
            found[mailing.message_id] = same
    return found


def verified_uuid(services: Services, batch: Batch, uuid: str) -> bool:
    """Whether a uuid that a callback brought is this batch's: statusBulkViber names its mailings and its phones.

    Raises GatewayError.
    """
    body = services.batches.body(batch.id)
    if body is None:
        return False
    phones = phones_of(batch.kind, body)
    names = {mailing.sent_name: number for number, mailing in enumerate(batch.mailings)}
    try:
        mailings = services.gateway(batch.account).status_bulk_viber(uuid).data.mailings
    except (ContentRefusedError, AccountRefusedError):
        return False
    return bool(mailings) and all(
        m.name in names and {row.phone for row in m.rows} == set(phones[names[m.name]]) for m in mailings
    )


def _same_people(batch: Batch, there: set[str], own: set[str]) -> bool:
    """Whether a listed mailing went to a batch's phones; an earlier request may have had more than are left."""
    return there == own or (REDUCED in batch.fields and bool(own) and there > own)


def absence_proven(batch: Batch, look: Look, now_ms: int, settings: Settings) -> bool:
    """Whether the request certainly never arrived.

    The settle window has passed since the claim, this is at least the second complete look, the looks lie
    far enough apart, both saw another batch of ours in the same listing, and no callback came. After a batch in
    doubt lost phones to the opt-outs nothing proves it: an earlier request of it would look different.
    """
    interval_ms = round(settings.look_interval_s * 1000)
    return (
        look.complete
        and look.calibrated
        and not look.found
        and not look.twins
        and not batch.fields.get("callback_ms")
        and REDUCED not in batch.fields
        and batch.number("looks") >= 1
        and now_ms - batch.number("looked_ms") >= interval_ms
        and now_ms >= batch.number("claimed_ms") + round(settings.settle_window_s * 1000)
    )


def known_ids(services: Services, batch: Batch) -> frozenset[int]:
    """Message ids of the account that are known to belong to accepted batches of the same kind."""
    key = services.store.keys.known(batch.account, batch.kind)
    return frozenset(int(raw) for raw in services.store.ask("zrange", key, 0, -1))


def _listed_since(services: Services, gateway: Gateway, since_ms: int) -> tuple[list[tuple[MailingData, int]], bool]:
    """Mailings of the listing with when they were created, and whether it was read back to `since_ms`."""
    zone = services.settings.gateway_timezone
    listed: list[tuple[MailingData, int]] = []
    for _ in range(_MOST_PAGES):
        rows = gateway.get_viber_messages(offset=len(listed), rows=_ROWS_PER_PAGE)
        if not rows:
            return listed, True
        listed += [(row, from_gateway(row.created_at, zone) or 0) for row in rows]
        times = [at for _, at in listed]
        newest_first = times == sorted(times, reverse=True) and times[0] >= since_ms
        if newest_first and 0 < times[-1] < since_ms:
            return listed, True
    return listed, False


def _twins(services: Services, batch: Batch) -> Iterator[str]:
    """Other batches whose mailings look the same and whose ids at the gateway are not known yet."""
    pairs = {pair for m in batch.mailings for pair in services.batches.twins(m.fingerprint)}
    for other_id, mailing in sorted(pairs):
        if other_id == batch.id:
            continue
        other = services.batches.read(other_id)
        sure = other.state in {"", REJECTED, CANCELLED} or other.attempt == 0
        open_states = {SENDING, UNKNOWN, HELD, ACCEPTED, SETTLED, WRITTEN_OFF}
        if not sure and other.state in open_states and mailing not in other.message_ids:
            yield other_id


def _fitting(mailing: MailingData, contents: list[dict[str, str]]) -> Iterator[int]:
    """Mailings of the batch with the type and the texts of the listed one, the likeliest first."""
    seen = {
        "type": mailing.message_type.upper(),
        "message": mailing.message,
        "button_caption": mailing.button_caption,
        "button_link": mailing.button_link,
    }
    # The texts of personal mailings are not listed, so they fit more and are tried last.
    for number in sorted(range(len(contents)), key=lambda n: (-len(contents[n]), n)):
        if all(seen[name] == value for name, value in contents[number].items()):
            yield number
