"""A check of the listing under way: what it has seen so far, kept with the batch from turn to turn. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from campaigns.flow.doubt.likeness import Likeness
from campaigns.flow.doubt.listing import Listed, Portion
from campaigns.ledger import Batch

#: Most mailings that wait to be opened. If more may be ours, the check cannot be complete.
_MOST_PENDING: Final = 2000
#: A check is given up after this many turns: the listing grows faster than it is read.
_MOST_TURNS: Final = 200
#: An id among the suspicious mailings, for those that could not be read and those beyond `_MOST_PENDING`.
_UNREAD: Final = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A listed mailing that may be ours. `same`: the numbers of our mailings whose content it has."""

    message_id: int
    recent: bool
    created_ms: int
    same: tuple[int, ...]

    @classmethod
    def of(cls, listed: Listed, fitting: Mapping[int, Likeness], since_ms: int) -> Candidate:
        same = tuple(number for number, likely in fitting.items() if likely == Likeness.SAME)
        return cls(listed.message_id, listed.since(since_ms), listed.created_ms or since_ms, same)


@dataclass
class Check:
    """What a check has seen so far. `pending` are not opened yet, `suspicious` could not be told from ours."""

    offset: int = 0
    turns: int = 0
    ended: bool = False
    calibrated: bool = False
    found: dict[int, int] = field(default_factory=dict)
    pending: dict[int, Candidate] = field(default_factory=dict)
    suspicious: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, batch: Batch) -> Check:
        """The check under way of a batch, or a new one: those of earlier attempts do not count."""
        raw: dict[str, Any] = orjson.loads(batch.fields.get("check") or "{}")
        if raw.get("fence") != batch.fence:
            return cls()
        candidates = [Candidate(i, recent, created_ms, tuple(same)) for i, recent, created_ms, same in raw["pending"]]
        return cls(
            offset=raw["offset"],
            turns=raw["turns"],
            ended=raw["ended"],
            calibrated=raw["calibrated"],
            found={int(number): message_id for number, message_id in raw["found"].items()},
            pending={candidate.message_id: candidate for candidate in candidates},
            suspicious=set(raw["suspicious"]),
        )

    def packed(self, batch: Batch) -> str:
        """As text, for a field of the batch."""
        raw = {
            "fence": batch.fence,
            "offset": self.offset,
            "turns": self.turns,
            "ended": self.ended,
            "calibrated": self.calibrated,
            "found": {str(number): message_id for number, message_id in self.found.items()},
            "pending": [[c.message_id, c.recent, c.created_ms, c.same] for c in self.pending.values()],
            "suspicious": sorted(self.suspicious)[:_MOST_PENDING],
        }
        return orjson.dumps(raw).decode()

    @property
    def finished(self) -> bool:
        return (self.ended and not self.pending) or self.turns >= _MOST_TURNS

    def take_in(
        self,
        fitting: Callable[[Listed], Mapping[int, Likeness]],
        portion: Portion,
        since_ms: int,
        known: Set[int],
    ) -> list[Listed]:
        """Remember what may be ours of a portion of the listing. Returns the others that are recent, the newest first.

        A mailing older than the request counts only if nothing differs, since clocks or zones may be wrong. `known`
        are message ids that are not ours.
        """
        self.offset, self.ended, self.turns = portion.offset, portion.ended, self.turns + 1
        passed, others = {*self.found.values(), *self.suspicious, *known}, []
        if portion.unreadable:
            self.suspicious.add(_UNREAD)
        for listed in portion.mailings:
            if listed.message_id in passed:
                continue
            candidate = Candidate.of(listed, likely := fitting(listed), since_ms)
            if candidate.same or (likely and candidate.recent):
                self.pending[listed.message_id] = candidate
            elif candidate.recent:
                others.append(listed)
        if len(self.pending) > _MOST_PENDING:
            self.suspicious.add(_UNREAD)
            self.pending = {c.message_id: c for c in self.likeliest(since_ms, _MOST_PENDING)}
        if self.turns >= _MOST_TURNS:
            self.suspicious.add(_UNREAD)
        return others

    def likeliest(self, claimed_ms: int, number: int) -> list[Candidate]:
        """Up to `number` of what may be ours: those created about when the request was made come first."""
        return sorted(self.pending.values(), key=lambda c: (not c.recent, abs(c.created_ms - claimed_ms)))[:number]
