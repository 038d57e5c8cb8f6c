"""Erasure of a person from bodies, deliveries, replies, lists and events.

Counters and accounts stay, and so do the figures of a campaign: what became of each message, whether the person
replied, and why a recipient was excluded is kept without whose it was. The gateway tells the phones for its ids, so
the ids of a mailing are erased with the last of its recipients, and so are events with the ids of a batch that had only
one. Replies to such a mailing are not fetched any more.

A batch of which something may still come is never touched: its body decides what is sent, what counts as
evidence and whose statuses are still polled. So a person who stands in one cannot be erased yet, and then nothing is.

A stream's entry cannot be rewritten, and one entry may hold the changes of a hundred people. So an entry that names
the person is deleted once every group has acknowledged it; until then it stays for those that have yet to read it, is
counted in `events_left`, and leaves with the trimming of the stream or when erasing is repeated. The event
`person.erased` names the sequences that are missing, and never the phone; where they are very many there are several
such events, and each names its own. The whole stream is read for it: half a second for 2,000,000 changes in 20,000
entries.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from campaigns.acts import APPLICATION, Act, Deed
from campaigns.errors import ErasureBlockedError
from campaigns.events.entries import done_before, naming, place
from campaigns.events.groups import Groups
from campaigns.ledger import Batch, Batches, Campaign, ErasedReplies, scopes_for
from campaigns.ledger.audit import Audit
from campaigns.ledger.counts import Counts, miscounted
from campaigns.ledger.optouts import OptOuts
from campaigns.ledger.states import CANCELLED, REJECTED, SETTLED, WRITTEN_OFF
from campaigns.ledger.suppressed import Suppressed
from campaigns.people.history import People
from campaigns.planning.batching import without
from campaigns.planning.planner import phones_of
from campaigns.results.replies import Replies, Reply
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.text.wording import masked

#: States of batches of which nothing more will come by itself.
_DONE = frozenset({SETTLED, REJECTED, CANCELLED, WRITTEN_OFF})
_ERASED = "(erased)"
#: The most replies, rows and events, of each kind, that one script erases. A row among a million costs 0.3 ms.
_PER_CALL = 50


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: deliveries, bodies rewritten, replies, excluded recipients, events, dead letters.

    `events_left` are entries of the stream that some group has yet to read. `optout`: whether the phone was opted out,
    of whatever scope, and is not any more.
    """

    campaigns: int
    deliveries: int
    bodies: int
    replies: int
    excluded: int
    events: int
    dead_letters: int
    events_left: int
    optout: bool


@dataclass(slots=True)
class _Found:
    """Where the person stands in one campaign."""

    batches: list[Batch] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    replied: str = ""  # what is kept of the replies
    excluded: list[tuple[int, bytes, bytes]] = field(default_factory=list)  # number in the list, row, what is kept
    positions: list[str] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """How many replies, rows or events there are, whatever is most."""
        return max(len(self.replies), len(self.excluded), len(self.positions))


class Erasure:
    """Every method may raise StoreError."""

    def __init__(
        self,
        store: Store,
        people: People,
        batches: Batches,
        replies: Replies,
        optouts: OptOuts,
        counts: Counts,
        suppressed: Suppressed,
    ) -> None:
        self._store = store
        self._keys = store.keys
        self._people = people
        self._batches = batches
        self._replies = replies
        self._optouts = optouts
        self._counts = counts
        self._suppressed = suppressed

    def erase(self, phone: str, *, optout_too: bool, by: str = APPLICATION, why: str = "") -> Erased:
        """Erase a person by the phone, which is given in the gateway's form.

        Raises ErasureBlockedError while a batch with it is under way. A repetition finds what an interrupted erasure
        left over, and otherwise nothing. NotReplicatedError means that all was erased, and that a failover may bring it
        back: repeat it.
        """
        likely = self._people.likely(phone)
        found = {campaign.id: self._in_campaign(campaign, phone, optout_too) for campaign in likely}
        # What is counted of a batch is taken back by the places of its phones in it.
        busy = {b.id: b.state for one in found.values() for b in one.batches if b.state not in _DONE or miscounted(b)}
        if busy:
            raise ErasureBlockedError(busy)
        # Before the first script of many, so that an erasure that breaks off is on record too.
        Audit(self._store).note(Act(Deed.PERSON_ERASED, masked(phone), by, why))
        events_left = self._add_events(found, phone)
        sums = [0, 0, 0, 0, 0, 0]
        for campaign_id, one in found.items():
            erased = self._erase(campaign_id, one, phone)
            if any(erased):
                sums = [a + b for a, b in zip(sums, (1, *erased), strict=True)]
        dead_letters = self._erase_dead_letters(phone)
        # The act of erasing is on record already.
        self._suppressed.remove([phone])
        self._counts.erase(phone, ["", *(raw.decode() for raw in self._store.members(self._keys.metrics()))])
        optout = optout_too and self._opt_in(phone, by, why)
        self._store.confirm()
        campaigns, deliveries, bodies, replies, excluded, events = sums
        return Erased(campaigns, deliveries, bodies, replies, excluded, events, dead_letters, events_left, optout)

    def _opt_in(self, phone: str, by: str, why: str) -> bool:
        """Remove the opt-outs of every scope. Whether there was one."""
        optouts = self._optouts.every_of(phone)
        for scope in (optout.scope for optout in optouts):
            act = Act(Deed.OPTOUTS_REMOVED, masked(phone), by, why, scope.detail)
            self._optouts.remove([phone], act, scope)
        return bool(optouts)

    def _in_campaign(self, campaign: Campaign, phone: str, optout_too: bool) -> _Found:
        replies, excluded = self._replies.of_phone(campaign.id, phone), self._people.excluded(campaign, phone)
        return _Found(
            batches=self._people.batches_with(campaign, phone),
            replies=[reply.id for reply in replies],
            replied=self._kept_of(replies, campaign, optout_too).packed() if replies else "",
            excluded=[(n, row, orjson.dumps(one.erased(campaign.id))) for n, row, one in excluded],
        )

    def _kept_of(self, replies: list[Reply], campaign: Campaign, optout_too: bool) -> ErasedReplies:
        scopes = scopes_for(campaign.account, campaign.fields.get("topic"))
        (noted,) = self._optouts.noted([replies[0].phone], scopes) if not optout_too else [[]]
        caused = [(r.mailing, o.scope.kind) for r in replies for o in noted if o.caused_by(r.id, campaign.id)]
        mailings = list(dict.fromkeys(reply.mailing for reply in replies))
        return ErasedReplies(mailings, caused[0][0] if caused else None, sorted({kind for _, kind in caused}))

    def _add_events(self, found: dict[str, _Found], phone: str) -> int:
        """Note the events that name the person and may go. Returns how many have to wait."""
        floor, left = done_before(self._store), 0
        alone = {batch.id.encode() for one in found.values() for batch in one.batches if batch.recipients == 1}
        for event in naming(self._store, phone, alone):
            if floor is not None and place(event.position) >= floor:
                left += 1
                continue
            one = found.setdefault(event.source, _Found())
            one.positions.append(event.position)
            one.sequences.append(event.sequence)
        return left

    def _erase_dead_letters(self, phone: str) -> int:
        """Dead letters are deleted at once: no consumer waits for them."""
        # Not only where our own events have phones: what others wrote may name it anywhere.
        groups, named = Groups(self._store), re.compile(rf"(?<!\d){phone}(?!\d)")
        return sum(
            groups.remove_dead_letter(group.name, letter.id)
            for group in groups.all()
            for letter in list(groups.dead_letters(group.name))
            if any(named.search(part) for pair in letter.fields.items() for part in pair)
        )

    def _erase(self, campaign_id: str, one: _Found, phone: str) -> tuple[int, int, int, int, int]:
        deliveries, bodies = 0, 0
        for batch in one.batches:
            rows, changed = self._erase_batch(batch, phone)
            deliveries, bodies = deliveries + rows, bodies + changed
        replies, excluded, events = self._erase_portion(campaign_id, one, 0, (deliveries, bodies))
        for start in range(_PER_CALL, one.longest, _PER_CALL):
            more = self._erase_portion(campaign_id, one, start)
            replies, excluded, events = replies + more[0], excluded + more[1], events + more[2]
        return deliveries, bodies, replies, excluded, events

    def _erase_portion(
        self, campaign_id: str, one: _Found, start: int, before: tuple[int, int] = (0, 0)
    ) -> tuple[int, int, int]:
        """Erase some hundred things of each kind, with an event of their own: a script may not hold up all others.

        `before` are the deliveries and the bodies that were erased and that no event has reported yet.
        """
        keys, part = self._keys, slice(start, start + _PER_CALL)
        replies, excluded, events = self._store.run(
            "erase_from_campaign",
            [keys.campaign(campaign_id), keys.events(), keys.replies(campaign_id), keys.excluded(campaign_id)],
            [
                campaign_id,
                secrets.token_hex(8),
                *before,
                orjson.dumps(one.sequences[part]),
                # Of the last replies, so that an erasure that breaks off and is repeated counts the person once.
                one.replied if one.replies[part] and not one.replies[start + _PER_CALL :] else "",
                len(one.replies[part]),
                *one.replies[part],
                len(one.excluded[part]),
                *(value for numbered in one.excluded[part] for value in numbered),
                *one.positions[part],
            ],
        )
        return replies, excluded, events

    def _erase_batch(self, batch: Batch, phone: str) -> tuple[int, int]:
        """The rows and the bodies that were erased from a batch."""
        while True:
            state, *erased = self._erase_once(batch, phone)
            if state == 1:
                return int(erased[0]), int(erased[1])
            if state == 0:
                raise ErasureBlockedError({batch.id: erased[0].decode()})
            batch = self._batches.read(batch.id)

    def _erase_once(self, batch: Batch, phone: str) -> Sequence[Any]:
        keys, mailings = self._keys, range(len(batch.mailings))
        packed = self._store.ask(Redis.get, keys.body(batch.id)) or b""
        rewritten = _without(batch.kind, packed, phone)
        ids = [(number, one) for number, several in batch.all_message_ids.items() for one in several]
        return cast(
            Sequence[Any],
            self._store.run(
                "erase_from_batch",
                [
                    *(keys.batch(batch.id), keys.body(batch.id), keys.known(batch.account, batch.kind)),
                    *(keys.deliveries(batch.id, number) for number in mailings),
                    *(keys.fallback(batch.id, number) for number in mailings),
                    *(keys.message(batch.account, one) for _, one in ids),
                ],
                [
                    *(phone, _listed(_DONE), packed, rewritten, _listed(_empty(batch, rewritten))),
                    *(batch.fields.get("message_ids", ""), len(mailings), len(ids)),
                    *(part for pair in ids for part in pair),
                    *(part for pair in _words_about(batch, phone) for part in pair),
                ],
            ),
        )


def _without(kind: str, packed: bytes, phone: str) -> bytes:
    """A compressed body without a phone; mailings keep their numbers."""
    if not packed or kind == "list":
        return packed
    reduced = without(kind, zlib.decompress(packed), {phone}, keep_empty=True)
    if not reduced.removed:
        return packed
    return zlib.compress(reduced.body) if reduced.body else b""


def _empty(batch: Batch, packed: bytes) -> list[int]:
    """The numbers of the mailings that have no phone in a compressed body. Lists never have any there."""
    phones = phones_of(batch.kind, zlib.decompress(packed)) if packed else []
    return [number for number in range(len(batch.mailings)) if not any(phones[number : number + 1])]


def _listed(values: Iterable[object]) -> str:
    return f",{','.join(map(str, values))},"


def _words_about(batch: Batch, phone: str) -> Iterator[tuple[str, str]]:
    """The gateway's words about a batch, as far as they name the phone."""
    for name, value in batch.fields.items():
        if phone in value and (name == "text" or name.startswith("rejected:")):
            yield name, value.replace(phone, _ERASED)
