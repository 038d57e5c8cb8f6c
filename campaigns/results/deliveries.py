"""Deliveries in Redis: what polling found, written once, read by phone, batch or campaign."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import orjson

from campaigns.ledger import Batch, Batches, Campaign, erased_values
from campaigns.ledger.message_ids import with_message_ids
from campaigns.measures import flat
from campaigns.names import CONTROL
from campaigns.planning.planner import phones_of
from campaigns.portions import portions
from campaigns.results.changes import CHANGES_PER_EVENT, ROWS_PER_CALL, Change, counters, encoded_values
from campaigns.results.counters import raises_of
from campaigns.results.reached import suppressing
from campaigns.statuses import final_words
from campaigns.store.calls import Call, nothing
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command

_BATCHES_PER_ROUND_TRIP = 20
#: Hashes of more rows than this are read in portions.
_ROWS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one phone, as far as it is known.

    `state` is the state of its batch (`rejected` also if only its mailing was). `status` is the
    gateway's word, empty while it reported none; `at_ms` is when, unix milliseconds.
    """

    phone: str = field(repr=False)
    mailing: str
    batch_id: str
    state: str
    status: str
    at_ms: int | None
    delivery_id: int | None
    error_code: int


class Deliveries:
    """Every method may raise StoreError."""

    #: `suppress_after`: messages in a row that did not reach a phone, after which it is suppressed; 0: never.
    def __init__(
        self,
        store: Store,
        batches: Batches,
        *,
        final: Set[str],
        expected: Callable[[int], str] = lambda _: "",
        suppress_after: int = 0,
    ) -> None:
        """`expected`: what a message sent at a moment (unix ms) should cost, see `Budgets.expected`."""
        self._store = store
        self._keys = store.keys
        self._batches = batches
        self._final = final
        self._expected = expected
        self._suppress_after = suppress_after

    def stored(self, batch_id: str, mailing: int) -> dict[str, str]:
        """Phone → what is stored of it."""
        return self.read_versioned(batch_id, mailing)[1]

    def any_stored(self, batch_id: str, mailing: int) -> bool:
        """Whether any delivery of a mailing is stored."""
        return bool(self._store.ask(Redis.exists, self._keys.deliveries(batch_id, mailing)))

    def read_versioned(self, batch_id: str, mailing: int) -> tuple[str, dict[str, str]]:
        """The batch's version, for `write`, and phone → what is stored of it.

        Both are of one moment, unless the mailing is large and read in portions. Then what others write meanwhile may
        be missing; `write` refuses what was found against this version if they did.
        """
        keys = [self._keys.deliveries(batch_id, mailing), self._keys.batch(batch_id)]
        version, cursor, text = self._store.run("read_deliveries", keys, [0, ROWS_PER_CALL])
        stored = _paired(text)
        while cursor != b"0":
            _, cursor, text = self._store.run("read_deliveries", keys, [cursor, ROWS_PER_CALL])
            stored |= _paired(text)
        return version.decode(), stored

    def write(self, batch: Batch, mailing: int, changes: Sequence[Change], version: str, *, seen_ms: int) -> str | None:
        """Write changes that were found against `version` of the batch; each portion with its events.

        `seen_ms`: when the gateway reported them (unix ms).
        Returns the new version, or None if another poller wrote since: read and compare again.
        """
        about = {"batch": batch.id, "mailing": mailing, "name": batch.mailings[mailing].name}
        if mailing in batch.message_ids:
            about["message_id"] = batch.message_ids[mailing]
        for portion in portions(changes, ROWS_PER_CALL):
            words, finals = counters(portion, final_words(self._final, batch.follow))
            answer = self._store.run(
                "change_deliveries",
                [
                    self._keys.batch(batch.id),
                    self._keys.campaign(batch.campaign_id),
                    self._keys.events(),
                    self._keys.deliveries(batch.id, mailing),
                    self._keys.unreached(),
                    self._keys.suppressed(),
                    *([self._keys.fallback(batch.id, mailing)] if batch.fallback_after_ms else []),
                ],
                [
                    secrets.token_hex(8),
                    batch.id,
                    batch.campaign_id,
                    version,
                    finals,
                    orjson.dumps(flat(raises_of(portion, self._final, batch.number("followed_ms"), seen_ms))),
                    *suppressing(portion, self._suppress_after),
                    len(words),
                    *(part for pair in words.items() for part in pair),
                    orjson.dumps(encoded_values(portion)),
                    *_event_data(about, portion),
                ],
            )
            if answer[0] == 0:
                return None
            version = answer[1].decode()
        return version

    def of_campaign(self, campaign: Campaign) -> Iterator[Delivery]:
        """Every delivery of the campaign, batch by batch; memory does not grow with their number."""
        for batches in self._batches.read_in_portions(campaign.batch_ids(), _BATCHES_PER_ROUND_TRIP):
            for batch in batches:
                yield from self.of_batch(batch)

    def of_batch(self, batch: Batch) -> Iterator[Delivery]:
        """Every delivery of a batch. If its body has expired, only those that are stored."""
        body = self._batches.body(batch.id)
        planned = phones_of(batch.kind, body) if body is not None else [[] for _ in batch.mailings]
        for number, mailing in enumerate(batch.mailings):
            stored = self.stored(batch.id, number)
            refused = f"rejected:{number}" in batch.fields
            for phone in dict.fromkeys([*planned[number], *stored]):
                yield _delivery(phone, stored, mailing.name, batch, "rejected" if refused else batch.state)

    def with_status(self, batches: Sequence[Batch]) -> Iterator[tuple[Batch, int, list[bytes]]]:
        """All that is stored of the deliveries of batches, portion by portion and without phones: batch, mailing,
        values. Messages to people who were erased are among them.

        Values are as in `campaigns.store.keys`. A mailing of more than 5,000 recipients is scanned: what is written
        meanwhile may be missing, or be there twice.
        """
        parts = [(batch, number) for batch in batches for number in range(len(batch.mailings))]
        small = [part for part in parts if _is_small(*part)]
        names = [self._keys.deliveries(batch.id, number) for batch, number in small]
        answers = self._store.ask_many([command(Redis.hvals, name) for name in names]) if names else []
        for (batch, number), values in zip(small, answers, strict=True):
            yield batch, number, [*values, *erased_values(batch, number)]
        for batch, number in [part for part in parts if not _is_small(*part)]:
            cursor = None
            yield batch, number, erased_values(batch, number)
            while cursor != 0:
                name = self._keys.deliveries(batch.id, number)
                cursor, rows = self._store.ask(Redis.hscan, name, cursor or 0, None, 1000)
                yield batch, number, list(rows.values())

    def of_phone(self, batch: Batch, phone: str) -> Iterator[tuple[int, Delivery]]:
        """The deliveries of a batch to one phone, each with the number of its mailing."""
        body = self._batches.body(batch.id)
        planned = phones_of(batch.kind, body) if body is not None else [[] for _ in batch.mailings]
        for number, mailing in enumerate(batch.mailings):
            value = self._store.ask(Redis.hget, self._keys.deliveries(batch.id, number), phone)
            if value is not None or phone in planned[number]:
                stored = {phone: value.decode()} if value else {}
                refused = f"rejected:{number}" in batch.fields
                yield number, _delivery(phone, stored, mailing.name, batch, "rejected" if refused else batch.state)

    def price(self, batch: Batch, mailing: int, costs: Mapping[str, int], *, final: bool = False) -> tuple[str, str]:
        """Record the cost of a mailing by the gateway: currency → millionths. Later figures replace earlier ones.

        `final`: whether it can change no more. Nothing is recorded of a batch that is not at the gateway, or was
        claimed anew since. Returns the field of the batch that holds it, and its value once it is recorded.
        """
        keys, account, pairs = self._keys, batch.account, sorted(costs.items())
        recipients = batch.recipients if len(batch.mailings) == 1 else batch.mailings[mailing].recipients
        about = [batch.fence, mailing, batch.campaign_id, int(final), recipients]
        self._store.run(
            "record_cost",
            [
                keys.batch(batch.id),
                keys.campaign(batch.campaign_id),
                keys.events(),
                keys.account(account),
                keys.money(account),
            ],
            [*about, self._expected(batch.number("claimed_ms")), *(part for pair in pairs for part in pair)],
        )
        return f"cost:{mailing}", "".join(f"{currency}={micro};" for currency, micro in pairs)

    def record_message_ids(
        self, batch: Batch, message_ids: Mapping[int, int | Sequence[int]], life_ms: int
    ) -> dict[str, str]:
        """Record the gateway's ids of mailings, to find messages by them and to recognise them in listings.

        Returns the field of the batch that changed, if any did.
        """
        call = self.record_message_ids_call(batch, message_ids, life_ms)
        if call is None:
            return {}
        call.run(self._store)
        return {"message_ids": call.args[0]}

    def record_message_ids_call(
        self, batch: Batch, message_ids: Mapping[int, int | Sequence[int]], life_ms: int
    ) -> Call[None] | None:
        """The call that `record_message_ids` makes; None if all ids are known.

        Nothing is written if another worker claimed the batch since: the ids are those of an earlier attempt.
        """
        named, new = with_message_ids(batch, message_ids)
        if not new:
            return None
        keys = [self._keys.message(batch.account, message_id) for _, message_id in new]
        values = [part for mailing, message_id in new for part in (f"{batch.id}:{mailing}", message_id)]
        names = [self._keys.batch(batch.id), self._keys.known(batch.account, batch.kind), *keys]
        return Call("record_message_ids", names, [named, life_ms, batch.fence, *values], nothing)

    def reject_mailing(self, batch: Batch, mailing: int, recipients: int, text: str) -> int:
        """The gateway refused one mailing of an accepted batch. Returns the recipients left in the batch."""
        data = {"mailing": mailing, "name": batch.mailings[mailing].name, "recipients": recipients}
        return int(
            self._store.run(
                "reject_mailing",
                [
                    self._keys.batch(batch.id),
                    self._keys.campaign(batch.campaign_id),
                    self._keys.events(),
                    self._keys.deliveries(batch.id, mailing),
                    self._keys.money(batch.account),
                    self._keys.due(CONTROL),
                ],
                [
                    batch.id,
                    batch.campaign_id,
                    mailing,
                    recipients,
                    text,
                    orjson.dumps({**data, "gateway_text": text}),
                ],
            )
        )


def _is_small(batch: Batch, mailing: int) -> bool:
    """Whether a mailing has few enough deliveries to be read at once. How many a list mailing has is not known."""
    return batch.kind != "list" and batch.mailings[mailing].recipients <= _ROWS_AT_ONCE


def _paired(text: bytes) -> dict[str, str]:
    flat = orjson.loads(text)
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _event_data(about: Mapping[str, object], portion: Sequence[Change]) -> list[bytes]:
    return [
        orjson.dumps({**about, "changes": [change[:5] for change in some]})
        for some in portions(portion, CHANGES_PER_EVENT)
    ]


def _delivery(phone: str, stored: Mapping[str, str], mailing: str, batch: Batch, state: str) -> Delivery:
    status, _, rest = stored.get(phone, "").partition("|")
    at_ms, _, rest = rest.partition("|")
    number, _, code = rest.partition("|")
    return Delivery(
        phone=phone,
        mailing=mailing,
        batch_id=batch.id,
        state=state,
        status=status,
        at_ms=int(at_ms) if at_ms else None,
        delivery_id=int(number) if number else None,
        error_code=int(code or 0),
    )
