"""Slices: one wake-up goes on with what is due in its queue, since a wake-up costs far more than an entry."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from campaigns.flow.services import Services
from campaigns.ledger import Batch, Entry, batch_at, taken
from campaigns.store import ScriptCall

SLICE_S: Final = 5.0
#: An entry taken by a worker that dies over it is due again after so long.
AGAIN_MS: Final = 30_000


class Slice:
    """A worker's turn at what is due of `verb` in a queue: `SLICE_S` seconds, and what it holds by then.

    With `reads_ahead` it takes one entry more than the next, so that the round trip that ends an act can read
    the next batch as well: only a key that is known can be read. Whoever waits long over one entry should not
    hold another.
    """

    def __init__(
        self,
        services: Services,
        queue: str,
        verb: str,
        monotonic: Callable[[], float],
        *,
        reads_ahead: bool = False,
    ) -> None:
        self._services = services
        self._queue = queue
        self._verb = verb
        self._monotonic = monotonic
        self._until_s = monotonic() + SLICE_S
        self._reads_ahead = reads_ahead
        self._ahead: deque[Entry] = deque()
        self._asked = False
        self._read: tuple[int, Batch] | None = None

    def run(self, batch_id: str, act: Callable[[str], bool]) -> int:
        """`act` on the batch that the wake-up names, then on others, until it says no or the slice is over.

        Returns how many.
        """
        done = 0
        while act(batch_id):
            done += 1
            if not self._ahead and not self._asked:
                self.carry_out([])
            self._asked = False
            if not self._ahead:
                break
            batch_id = self._ahead.popleft().batch_id
        return done

    def carry_out(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """The answers to the last `calls` of an `act` that then says yes; their round trip takes what comes next."""
        following: list[ScriptCall] = []
        if self._monotonic() < self._until_s:
            wanted = (2 if self._reads_ahead else 1) - len(self._ahead)
            following.append(self._services.due.taking(self._queue, wanted, AGAIN_MS, self._verb))
        next_id = self._ahead[0].batch_id if self._ahead else None
        if next_id:
            following.append(self._services.batches.reading(next_id))
        answers = self._services.store.run_in_turn([*calls, *following])
        if next_id:
            self._read = batch_at(next_id, answers.pop())
        if len(answers) > len(calls):
            self._ahead += taken(answers.pop())
        self._asked = True
        return answers

    def read_at(self, batch_id: str) -> tuple[int, Batch]:
        """The batch and the time, unix milliseconds, as the act before left them or as they are now."""
        read, self._read = self._read, None
        if read is not None and read[1].id == batch_id:
            return read
        return self._services.batches.read_at(batch_id)
