"""Where a phone may stand: campaigns and their batches, searched without an index.

An index by phone would cost a campaign of a million recipients as much memory again. So campaigns are searched, newest
first, by scripts: one call looks into 125 campaigns, and four calls share a round trip. What single messages hold is
decided there, or by their bodies, 500 at a time. Larger campaigns are searched by themselves: one call looks into the
deliveries of 500 batches, and bodies are read only where some recipients have no status yet.

Single messages cost 3 s per 100,000 campaigns and 0.6 MB of memory, however many they are. A campaign of 1,000,000
recipients in 1,000 batches costs 0.07 s while no recipient has a status, and 0.01 s once all have one; one quick
campaign of 100,000 recipients, each in a batch of its own, 1 s. (Measured on two cores, the server on one of them.)
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import orjson

from campaigns.ledger import Campaign, Campaigns, campaign_of
from campaigns.ledger.states import EXCLUDED
from campaigns.planning.planner import phones_of
from campaigns.portions import portions
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command

_CAMPAIGNS_PER_ROUND_TRIP = 500
_CAMPAIGNS_PER_CALL = 125
_BATCHES_PER_CALL = 500
#: Of batches and their mailings; a batch that has more is searched alone.
_HASHES_PER_CALL = 1000
_BODIES_PER_CALL = 50
_SINGLE_BODIES_PER_CALL = 500
_EXCLUDED: Final = tuple(f"r:{reason}" for reason in EXCLUDED)


class Search:
    """Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys
        self._campaigns = Campaigns(store)

    def likely(self, phone: str, limit: int | None) -> Iterator[Campaign]:
        """Those of the newest `limit` campaigns (None: all that are kept) that may have to do with a phone.

        Newest first, and in bounded memory.
        """
        ids = (i for page in self._campaigns.index.pages(_CAMPAIGNS_PER_ROUND_TRIP) for i in page)
        kept = islice(ids, limit)
        while some := list(islice(kept, _CAMPAIGNS_PER_ROUND_TRIP)):
            yield from self._campaigns.read_each(self._likely(some, phone))

    def batches_with(self, campaign: Campaign, phone: str) -> list[str]:
        """The ids of the batches of a campaign that carry a phone, or hold a delivery to it."""
        found: list[str] = []
        for ids in portions(campaign.batch_ids(), _BATCHES_PER_CALL):
            found += self._among(campaign, ids, phone)
        return found

    def _likely(self, ids: Sequence[str], phone: str) -> list[str]:
        calls = [(self._first_names(part), [phone, *_EXCLUDED]) for part in portions(ids, _CAMPAIGNS_PER_CALL)]
        verdicts = [verdict for answer in self._store.run_many("find_in_campaigns", calls) for verdict in answer]
        unsure = [(f"{i}-0", recipients) for i, recipients in zip(ids, verdicts, strict=True) if recipients > 0]
        single = [batch_id for batch_id, recipients in unsure if recipients == 1]
        others = [batch_id for batch_id, recipients in unsure if recipients > 1]
        naming = [*self._naming(single, _SINGLE_BODIES_PER_CALL, phone), *self._naming(others, _BODIES_PER_CALL, phone)]
        carrying = {campaign_of(batch_id) for batch_id, _ in naming}
        return [i for i, verdict in zip(ids, verdicts, strict=True) if verdict < 0 or i in carrying]

    def _first_names(self, ids: Sequence[str]) -> list[str]:
        """The keys that `find_in_campaigns` reads, of some campaigns."""
        return [name for i in ids for name in self._names_of(i, f"{i}-0")]

    def _names_of(self, campaign_id: str, first_batch: str) -> tuple[str, ...]:
        keys = self._keys
        return (
            keys.campaign(campaign_id),
            keys.replies(campaign_id),
            keys.excluded(campaign_id),
            keys.batch(first_batch),
            keys.deliveries(first_batch, 0),
        )

    def _among(self, campaign: Campaign, ids: Sequence[str], phone: str) -> list[str]:
        counts = self._mailings(campaign, ids)
        calls = [(self._names(part), [phone, *(n for _, n in part)]) for part in _looks(ids, counts)]
        verdicts = [verdict for answer in self._store.run_many("find_phone", calls) for verdict in answer]
        unsure = [batch_id for batch_id, verdict in zip(ids, verdicts, strict=True) if verdict == 2]
        carrying = set(self._carrying(campaign.kind, unsure, phone))
        return [i for i, verdict in zip(ids, verdicts, strict=True) if verdict == 1 or i in carrying]

    def _names(self, batches: Sequence[tuple[str, int]]) -> list[str]:
        keys = self._keys
        return [
            name
            for batch_id, mailings in batches
            for name in (keys.batch(batch_id), *(keys.deliveries(batch_id, m) for m in range(mailings)))
        ]

    def _mailings(self, campaign: Campaign, ids: Sequence[str]) -> list[int]:
        if len(campaign.job.get("messages", ())) <= 1:
            return [1] * len(ids)
        packed = self._store.ask_many([command(Redis.hget, self._keys.batch(i), "mailings") for i in ids])
        return [len(orjson.loads(mailings or b"[]")) for mailings in packed]

    def _carrying(self, kind: str, ids: Sequence[str], phone: str) -> Iterator[str]:
        for batch_id, body in self._naming(ids, _BODIES_PER_CALL, phone):
            if any(phone in mailing for mailing in phones_of(kind, body)):
                yield batch_id

    def _naming(self, ids: Sequence[str], size: int, phone: str) -> Iterator[tuple[str, bytes]]:
        """The batches whose bodies name a phone, if only in a text, with their bodies. `size` are read at a time."""
        quoted = f'"{phone}"'.encode()
        for portion in portions(ids, size):
            bodies = self._store.ask(Redis.mget, [self._keys.body(i) for i in portion])
            for batch_id, packed in zip(portion, bodies, strict=True):
                body = zlib.decompress(packed) if packed else b""
                if quoted in body:
                    yield batch_id, body


def _looks(ids: Sequence[str], counts: Sequence[int]) -> Iterator[list[tuple[str, int]]]:
    """Batches with the numbers of their mailings, as many as one script searches."""
    part: list[tuple[str, int]] = []
    hashes = 0
    for batch_id, mailings in zip(ids, counts, strict=True):
        if part and hashes + 1 + mailings > _HASHES_PER_CALL:
            yield part
            part, hashes = [], 0
        part.append((batch_id, mailings))
        hashes += 1 + mailings
    if part:
        yield part
