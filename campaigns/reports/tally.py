"""Counts of a campaign's messages, in memory that does not grow with their number. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Final, TypeVar

from campaigns.ledger import Batch, refused_by
from campaigns.ledger.reasons import HERE
from campaigns.ledger.states import ACCEPTED, HELD, REJECTED, SETTLED, UNKNOWN
from campaigns.reports.language import Reason
from campaigns.reports.timeline import DELIVERED as DELIVERED_KIND
from campaigns.reports.timeline import FAILED, MOVING, Timeline
from campaigns.reports.timeline import READ as READ_KIND
from campaigns.results import Reply
from campaigns.statuses import DELIVERED, READ, UNKNOWN_FINAL
from campaigns.text.wording import masked

K = TypeVar("K", bound=Hashable)

#: Different words that are counted separately; further ones are counted together as OTHERS.
MOST_WORDS: Final = 100
OTHERS: Final = "(further ones)"
MOST_BATCHES: Final = 20
MOST_REPLIES: Final = 20
_PHONES: Final = re.compile(r"\d{11,15}")


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A request that is in doubt or held."""

    id: str
    recipients: int
    since_ms: int
    text: str


@dataclass(slots=True)
class Span:
    """How many messages have a status, and the first and last time at which one reached it."""

    number: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, at_ms: int) -> None:
        self.number += 1
        if self.first_ms is None or at_ms < self.first_ms:
            self.first_ms = at_ms
        if self.last_ms is None or at_ms > self.last_ms:
            self.last_ms = at_ms


class Tally:
    """What batches and the stored values of their deliveries add up to. `final`: the settings' final statuses."""

    def __init__(self, final: Set[str]) -> None:
        self._final = final
        self.timeline = Timeline()
        self.words: dict[str, Span] = {}
        self.failures: Counter[tuple[str, int]] = Counter()
        #: Requests that were refused as a whole, by reason: requests and messages.
        self.refused_requests: Counter[str] = Counter()
        self.refused_messages: Counter[str] = Counter()
        #: Messages of mailings that were refused while their request was accepted, by reason.
        self.refused_mailings: Counter[str] = Counter()
        self.held: list[OpenBatch] = []
        self.in_doubt: list[OpenBatch] = []
        self.open_batches: Counter[str] = Counter()
        self.mailings = 0
        self.priced = 0

    def add_batch(self, batch: Batch) -> None:
        """Count a request itself."""
        text = masked_in(batch.fields.get("text", ""))
        if batch.state in {HELD, UNKNOWN}:
            self.open_batches[batch.state] += 1
            listed = self.held if batch.state == HELD else self.in_doubt
            if len(listed) < MOST_BATCHES:
                listed.append(OpenBatch(batch.id, batch.recipients, batch.number("since_ms"), text))
        refused = [number for number in range(len(batch.mailings)) if f"rejected:{number}" in batch.fields]
        for number in refused:
            words = masked_in(batch.fields[f"rejected:{number}"])
            _count(self.refused_mailings, words, batch.mailings[number].recipients, OTHERS)
        if batch.state == REJECTED and not batch.fields.get("uuid"):
            words = Reason(f"refused here: {text}") if refused_by(batch) == HERE else text
            _count(self.refused_requests, words, 1, OTHERS)
            _count(self.refused_messages, words, batch.recipients, OTHERS)
        if batch.state in {ACCEPTED, SETTLED}:
            sent = [number for number in range(len(batch.mailings)) if number not in refused]
            self.mailings += len(sent)
            self.priced += sum(f"cost:{number}" in batch.fields for number in sent)

    def add_deliveries(self, values: Iterable[bytes]) -> None:
        """Count messages that have a status, as stored: `STATUS|unix ms|delivery_id|error_code`."""
        for value in values:
            word, _, fields = value.decode().partition("|")
            at, _, fields = fields.partition("|")
            at_ms, code = int(at or 0), int(fields.partition("|")[2] or 0)
            span = self.words.get(word)
            if span is None:
                span = self.words.setdefault(word if len(self.words) < MOST_WORDS else OTHERS, Span())
            span.add(at_ms)
            kind = self._kind(word)
            if kind == FAILED or (code and kind is not None):
                _count(self.failures, (word, code), 1, (OTHERS, 0))
            # UNKNOWN_FINAL has the time of the horizon, at which nothing happened to the message.
            if kind is not None:
                self.timeline.add(at_ms, kind)

    def _kind(self, word: str) -> int | None:
        if word == READ:
            return READ_KIND
        if word == DELIVERED:
            return DELIVERED_KIND
        if word == UNKNOWN_FINAL:
            return None
        return FAILED if word in self._final else MOVING


class NewestReplies:
    """The newest of many replies, each once."""

    def __init__(self) -> None:
        self._kept: dict[str, Reply] = {}

    def add(self, reply: Reply) -> None:
        self._kept[reply.id] = reply
        if len(self._kept) > 50 * MOST_REPLIES:
            self._kept = {kept.id: kept for kept in self}

    def __iter__(self) -> Iterator[Reply]:
        """Newest first."""
        return iter(sorted(self._kept.values(), key=_age, reverse=True)[:MOST_REPLIES])


def masked_in(text: str) -> str:
    """A text with the phones in it masked."""
    return _PHONES.sub(lambda match: masked(match[0]), text)


def _age(reply: Reply) -> tuple[int, int, str]:
    return reply.received_ms or 0, int(reply.id) if reply.id.isdecimal() else 0, reply.id


def _count(counter: Counter[K], key: K, number: int, others: K) -> None:
    counter[key if key in counter or len(counter) < MOST_WORDS else others] += number
