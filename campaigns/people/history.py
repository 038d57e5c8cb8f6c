"""People: what every campaign that is kept did to one phone. `campaigns.people.search` finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import orjson

from campaigns.ledger import Batch, Batches, Campaign, Campaigns, refused_by
from campaigns.ledger.reasons import HERE
from campaigns.ledger.states import EXCLUDED, PLANNED
from campaigns.people.search import Search
from campaigns.recipients import normalise_phone, phones_within
from campaigns.recipients.exclusions import Excluded
from campaigns.results.deliveries import Deliveries
from campaigns.results.replies import Replies, Reply
from campaigns.store.client import Store

_NO_DIGITS = re.compile(r"\D+")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A step into a doubt or out of it: when (unix ms), to which state, why, and by whom if a person decided."""

    at_ms: int
    state: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message to the phone, and the request that carried it or will. Times are unix milliseconds.

    `state` is that of its batch since `since_ms` (`rejected` also if only its mailing was), `text` the gateway's
    or our words about it. `sent_ms` is when the last of `attempt` attempts was made, None before the first.
    `uuid` and `message_id` are the gateway's. `status` is its word for the message, empty while it reported none,
    at `at_ms`, with `delivery_id` and `error_code`. `refused_here`: a limit of the job or another check
    here refused it, not the gateway. `doubts` are the steps into doubts about the request and out of them, in order.
    """

    batch_id: str
    mailing: str
    state: str
    since_ms: int
    text: str = field(repr=False)
    attempt: int
    sent_ms: int | None
    starts_ms: int | None
    uuid: str
    message_id: int | None
    status: str
    at_ms: int | None
    delivery_id: int | None
    error_code: int
    refused_here: bool = False
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """What one campaign did to one phone.

    `excluded` lists why it was not messaged: reason (`duplicate`, `opted_out`, `capped`, ...) and place, which is the
    place in the job or, for a recipient who was excluded after planning, the batch; then `: ` and why, where the reason
    needs explaining, such as a missing value.
    """

    phone: str = field(repr=False)
    campaign_id: str
    name: str
    kind: str
    account: str
    state: str
    created_ms: int
    messages: tuple[SentMessage, ...]
    excluded: tuple[tuple[str, str], ...]
    replies: tuple[Reply, ...]
    #: When it may go out, in words; empty if at any time.
    window: str = ""
    #: The number of its first batches, the canary, if the others wait for their results; otherwise 0.
    canary_batches: int = 0


@dataclass(frozen=True, slots=True)
class MessageOwner:
    """Whose a message id of the gateway is: mailing number `number`, called `mailing`, of a batch."""

    campaign_id: str
    batch_id: str
    number: int
    mailing: str
    state: str


class People:
    """Every method may raise StoreError."""

    def __init__(self, store: Store, *, region: str, batches: Batches, deliveries: Deliveries, replies: Replies):
        self._store = store
        self._keys = store.keys
        self._region = region
        self._batches = batches
        self._campaigns = Campaigns(store)
        self._search = Search(store)
        self._deliveries = deliveries
        self._replies = replies

    def normal(self, phone: str) -> str:
        """The phone in the gateway's form. Raises ValueError if it is not a phone."""
        normal = normalise_phone(phone, self._region)
        if normal is None:
            raise ValueError("not a phone number")
        return normal

    def traces(self, phone: str, limit: int | None) -> Iterator[PersonHistory]:
        """What the newest `limit` campaigns (None: all that are kept) did to a phone in the gateway's form."""
        for campaign in self._search.likely(phone, limit):
            if (trace := self.trace(campaign, phone)) is not None:
                yield trace

    def trace(self, campaign: Campaign, phone: str) -> PersonHistory | None:
        """What one campaign did to a phone; None if it has nothing to do with it."""
        messages = [m for batch in self.batches_with(campaign, phone) for m in self._messages(campaign, batch, phone)]
        excluded = [
            (one.reason, f"{one.place}: {one.why}" if one.why else one.place)
            for _, _, one in self.excluded(campaign, phone)
        ]
        replies = self._replies.of_phone(campaign.id, phone) if campaign.number("replies") else []
        if not (messages or excluded or replies):
            return None
        return PersonHistory(
            phone=phone,
            campaign_id=campaign.id,
            name=campaign.name,
            kind=campaign.kind,
            account=campaign.account,
            state=campaign.state,
            created_ms=campaign.number("created_ms"),
            messages=tuple(messages),
            excluded=tuple(excluded),
            replies=tuple(replies),
            window=str(campaign.window or ""),
            canary_batches=campaign.canary_batches,
        )

    def owner(self, account: str, message_id: int) -> MessageOwner | None:
        """Whose a message id is; None if it is not known (any more)."""
        found = self._batches.owner(account, message_id)
        if found is None:
            return None
        batch_id, number = found
        batch = self._batches.read(batch_id)
        name = batch.mailings[number].name if number < len(batch.mailings) else ""
        return MessageOwner(batch.campaign_id, batch_id, number, name, batch.state)

    def batches_with(self, campaign: Campaign, phone: str) -> list[Batch]:
        """The batches of a campaign that carry a phone, or hold a delivery to it."""
        found = self._search.batches_with(campaign, phone)
        return self._batches.read_many(found) if found else []

    def excluded(self, campaign: Campaign, phone: str) -> Iterator[tuple[int, bytes, Excluded]]:
        """Excluded recipients with a phone, however it was spelled and whatever stood beside it.

        Each comes with its number in the campaign's list, and as it stands there.
        """
        if not any(campaign.number(f"r:{reason}") for reason in EXCLUDED):
            return
        end = phone[-7:]
        for number, row, one in self._campaigns.numbered_excluded(campaign.id):
            raw = one.phone
            # Few rows hold its end, and reading spellings is slow. Digits may be those of another script.
            if (end in _NO_DIGITS.sub("", raw) or not raw.isascii()) and self._is_of(raw, phone):
                yield number, row, one

    def _is_of(self, raw: str, phone: str) -> bool:
        """Whether what was handed in as a recipient is a phone, or holds it among other words."""
        return normalise_phone(raw, self._region) == phone or phone in phones_within(raw, self._region)

    def likely(self, phone: str) -> Iterator[Campaign]:
        """The campaigns that are kept and may have to do with a phone, newest first: few of all."""
        return self._search.likely(phone, None)

    def campaigns(self, limit: int | None) -> Iterator[Campaign]:
        """The newest `limit` campaigns (None: all that are kept), newest first."""
        return islice(self._campaigns.newest(), limit)

    def kept(self) -> int:
        """How many campaigns are kept."""
        return len(self._campaigns.index)

    def _messages(self, campaign: Campaign, batch: Batch, phone: str) -> Iterator[SentMessage]:
        moved_ms = campaign.rescheduled_ms if batch.state == PLANNED else None
        for number, delivery in self._deliveries.of_phone(batch, phone):
            yield SentMessage(
                batch_id=batch.id,
                mailing=delivery.mailing,
                state=delivery.state,
                since_ms=batch.number("since_ms"),
                text=batch.fields.get(f"rejected:{number}") or batch.fields.get("text", ""),
                attempt=batch.attempt,
                sent_ms=batch.number("claimed_ms") or None,
                starts_ms=moved_ms or batch.scheduled_ms(batch.mailings[number]),
                uuid=batch.fields.get("uuid", ""),
                message_id=batch.message_ids.get(number),
                status=delivery.status,
                at_ms=delivery.at_ms,
                delivery_id=delivery.delivery_id,
                error_code=delivery.error_code,
                refused_here=refused_by(batch) == HERE,
                doubts=tuple(Doubt(*step) for step in orjson.loads(batch.fields.get("doubts", "[]"))),
            )
