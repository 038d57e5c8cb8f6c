"""Slices: one wake-up goes on with what is due in its queue, since a wake-up costs far more than an entry."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from campaigns.flow.services import Services
from campaigns.ledger import Batch, batch_at, taken
from campaigns.store import ScriptCall

SLICE_S: Final = 5.0
#: An entry taken by a worker that dies over it is due again after so long.
AGAIN_MS: Final = 30_000
#: Whoever takes many takes what it acts upon in a second, as fast as it went so far, and never more than this.
_MOST: Final = 16
#: What is still held after so long is left to come due again: it must not be in two hands.
_HELD_S: Final = AGAIN_MS / 2000
#: A batch that was read longer ago is read anew.
_FRESH_S: Final = 2.0


class Slice:
    """A worker's turn at what is due of `verb` in a queue: `SLICE_S` seconds, and what it holds by then.

    With `many` it takes several entries at once and reads their batches in one round trip: for acts that may be
    done again, and that bear a batch as it was `_FRESH_S` seconds ago. All others take one at a time.
    """

    def __init__(
        self, services: Services, queue: str, verb: str, monotonic: Callable[[], float], *, many: bool = False
    ) -> None:
        self._services = services
        self._queue = queue
        self._verb = verb
        self._monotonic = monotonic
        self._many = many
        self._began_s = monotonic()
        self._done = 0
        self._owed: list[ScriptCall] = []
        self._asked = False
        self._held: deque[str] = deque()
        self._held_since_s = self._began_s
        self._read: dict[str, tuple[int, Batch]] = {}

    def run(self, batch_id: str, act: Callable[[str], bool]) -> int:
        """`act` on the batch that the wake-up names, then on others, until it says no or the slice is over.

        Returns how many.
        """
        following: str | None = batch_id
        try:
            while following is not None and act(following):
                self._done += 1
                following = self._next()
        finally:
            self._services.store.run_in_turn(self.owed())
        return self._done

    def later(self, calls: Sequence[ScriptCall]) -> None:
        """Calls whose answers nobody needs. They join the next round trip, and the last at the slice's end."""
        self._owed += calls

    def owed(self) -> list[ScriptCall]:
        """What `later` was told, to be made by whoever asks: it is not said twice."""
        owed, self._owed = self._owed, []
        return owed

    def carry_out(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """The answers to `calls`. The same round trip takes what comes next: only for an `act` that then says yes."""
        before, taking = self.owed(), self._taking()
        answers = self._services.store.run_in_turn([*before, *calls, *taking])
        if taking:
            self._hold([entry.batch_id for entry in taken(answers.pop())])
        self._asked = True
        return answers[len(before) :]

    def read_at(self, batch_id: str) -> tuple[int, Batch]:
        """The batch and the time, unix milliseconds: as they are, or were at most `_FRESH_S` seconds ago."""
        read = self._read.pop(batch_id, None)
        if read is not None and self._monotonic() < self._held_since_s + _FRESH_S:
            return read
        return self._services.batches.read_at(batch_id)

    def _next(self) -> str | None:
        if self._monotonic() >= self._held_since_s + _HELD_S:
            self._held.clear()
        if not self._held and not self._asked:
            self.carry_out([])
        self._asked = False
        return self._held.popleft() if self._held else None

    def _taking(self) -> list[ScriptCall]:
        passed_s = self._monotonic() - self._began_s
        if self._held or passed_s >= SLICE_S:
            return []
        in_a_second = int(self._done / passed_s) if passed_s else _MOST
        number = max(1, min(in_a_second, _MOST)) if self._many else 1
        return [self._services.due.taking(self._queue, number, AGAIN_MS, self._verb)]

    def _hold(self, batch_ids: Sequence[str]) -> None:
        self._held.extend(batch_ids)
        self._held_since_s = self._monotonic()
        if self._many:
            answers = self._services.store.run_in_turn([self._services.batches.reading(i) for i in batch_ids])
            self._read = {i: batch_at(i, answer) for i, answer in zip(batch_ids, answers, strict=True)}
