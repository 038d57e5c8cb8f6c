"""Slices: one wake-up goes on with what is due in its queue, since a wake-up costs far more than an entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from campaigns.flow.services import Services
from campaigns.ledger import Entry, taken
from campaigns.store import ScriptCall

SLICE_S: Final = 5.0
#: An entry taken by a worker that dies over it is due again after so long.
AGAIN_MS: Final = 30_000


class Slice:
    """A worker's turn at what is due of `verb` in a queue: `SLICE_S` seconds, and the entry begun in the last."""

    def __init__(self, services: Services, queue: str, verb: str, monotonic: Callable[[], float]) -> None:
        self._due = services.due
        self._queue = queue
        self._verb = verb
        self._monotonic = monotonic
        self._until_s = monotonic() + SLICE_S
        self._taken: list[Entry] | None = None

    def run(self, batch_id: str, act: Callable[[str], bool]) -> int:
        """`act` on the batch that the wake-up names, then on others, until it says no or the slice is over.

        Returns how many.
        """
        done = 0
        while act(batch_id):
            done += 1
            following = self._next()
            if not following:
                break
            batch_id = following[0].batch_id
        return done

    def taking(self) -> list[ScriptCall]:
        """The call that takes the next entry, for an `act` that has a round trip to make; none at the slice's end."""
        if self._monotonic() >= self._until_s:
            return []
        return [self._due.taking(self._queue, 1, AGAIN_MS, self._verb)]

    def took(self, answers: Sequence[Any]) -> None:
        """What the server answered to `taking`. Only for an `act` that then says yes."""
        self._taken = [entry for answer in answers for entry in taken(answer)]

    def _next(self) -> list[Entry]:
        if self._taken is not None:
            following, self._taken = self._taken, None
            return following
        if self._monotonic() >= self._until_s:
            return []
        return self._due.take(self._queue, 1, AGAIN_MS, self._verb)
