"""A worker's turn at a queue: it takes what is due, does it, and takes more for about two seconds.

A Celery message costs far more than an entry of a sorted set, so a message is only a bell. Requests that wait for the
gateway overlap: each has a thread of its own, while the turn's own thread speaks with the store. What several requests
brought is written in the round trip that takes more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from campaigns.flow.threads import Threads
from campaigns.ledger.turns import Answer
from campaigns.services import Services
from campaigns.store.calls import Calls

#: After this time a turn takes nothing more. It finishes what it has under way.
TURN_S: Final = 2.0
#: How long a turn waits for an account that can act soon, before it leaves that account to the next bell.
PATIENCE_S: Final = 1.0
#: A turn of overlapping requests that has calls to make one after the other makes them so far apart: what ends or comes
#: due meanwhile shares the next one. Otherwise a thousand single messages a second would each cost a call and a sync.
GATHER_S: Final = 0.02

#: Work on one thing that was taken. It does what takes time, yields the calls that write the result, and is resumed
#: once the turn has written them: then their replies have values.
Work = Iterator[Calls]
#: Begins to work on what was taken. `began_at_s` (clock since boot) lies before it was taken.
Act = Callable[[Any, float], Work]
#: Undoes the taking of something that must not be worked on after all.
GiveBack = Callable[[Any], Work]
#: Work that has nothing to write in the turn's round trip.
NOTHING_TO_WRITE: Final[Work] = iter(())


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """Work that is to be resumed once its calls are written."""

    work: Work
    calls: Calls


class Pace:
    """Keeps the calls of a busy turn apart. One that is made after a while without any is never kept waiting."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._called_s = -math.inf
        self._busy = False

    def called(self) -> None:
        """A call is made now."""
        now_s = self._monotonic()
        self._busy = now_s - self._called_s <= 1.5 * GATHER_S
        self._called_s = now_s

    @property
    def left_s(self) -> float:
        """For how long the next call is to wait, in seconds."""
        return max(0.0, self._called_s + GATHER_S - self._monotonic()) if self._busy else 0.0


class WorkerTurn:
    """One turn of a worker.

    `overlap`: requests under way at once; with one, all work happens in the turn's own thread.
    `most`: how many things may be taken at once; by default as many as may be under way.
    `give_back`: if given, the turn waits until as many replicas as the settings ask for have stored what it took. If
    they do not confirm in time, `give_back` undoes all of that, and the turn ends.
    """

    def __init__(
        self,
        services: Services,
        queue: str,
        act: Act,
        *,
        worker: str,
        overlap: int,
        most: int | None = None,
        give_back: GiveBack | None = None,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._queue = queue
        self._act = act
        self._overlap = overlap
        self._most = most or overlap
        self._give_back = give_back
        self._monotonic = monotonic
        self._turn = services.turns.begin(queue, worker, round(patience_s * 1000))
        self._done = 0
        self._threads: Threads[_Unwritten | None] = Threads()
        self._unwritten: list[_Unwritten] = []
        self._errors: list[BaseException] = []
        self._goes_on = True
        self._pace = Pace()
        self._more_is_due = False

    def run(self) -> int:
        """Returns how many things were done. Raises the first error of any work, once all else is written."""
        until_s = self._monotonic() + TURN_S
        with closing(self._threads):
            try:
                while self._goes_on and self._monotonic() < until_s:
                    self._step(until_s)
            finally:
                self._end()
        if self._errors:
            raise self._errors[0]
        return self._done

    def _step(self, until_s: float) -> None:
        """Take what is due, begin to work on it, and wait until there is something to write or to take."""
        if self._overlap > 1 and not self._more_is_due:
            self._gather()
        free = self._most - self._threads.under_way
        began_at_s = self._services.boot_s()
        answer = self._write_and_take(free)
        # The store ends a turn where another does what is left, or nothing is due soon. It asks for a bell where more
        # is due than this turn can take, and a worker is idle.
        self._goes_on = answer.goes_on
        self._more_is_due = len(answer.taken) == free
        if answer.ring:
            self._services.ring(self._queue)
        for taken in answer.taken:
            self._begin(taken, began_at_s)
        if self._unwritten or not self._goes_on or (answer.taken and not self._threads.under_way):
            return  # `wait_ms` is from before that work, which may have made more due
        # None: only a request that ends can bring something to do, since nothing stands in the queue, or nothing more
        # can be taken. With no request under way the store returns a time, or ends the turn.
        wait_s = None if answer.wait_ms is None or self._more_is_due else answer.wait_ms / 1000
        if self._threads.under_way:
            self._await(wait_s)
        elif wait_s:
            self._services.sleep(min(wait_s, max(0.0, until_s - self._monotonic())))

    def _gather(self) -> None:
        """Collect what ends until the next call may be made."""
        while (left_s := self._pace.left_s) > 0:
            if self._threads.under_way:
                self._await(left_s)
            else:
                self._services.sleep(left_s)
        self._pace.called()

    def _write_and_take(self, most: int) -> Answer:
        """Write what has been done, and take up to `most` things in the same round trip."""
        calls = self._calls_to_write()
        reply = calls.add(self._turn.take_call(most, self._threads.under_way))
        replicated = True
        if self._give_back is None:
            calls.run(self._services.store)
        else:
            replicated = calls.run_replicated(self._services.store)
        self._resume()
        answer = reply.value
        if replicated and answer.server is not None:
            # The next calls report that this process knows of these claims: a server that has lost them is noticed.
            self._services.turns.witness.remember(*answer.server)
        if not replicated and self._give_back is not None:
            # Not one byte of it may leave. The turn ends, because replicas need longer than a moment.
            for taken in answer.taken:
                self._do(partial(_until_it_writes, self._give_back(taken)))
            return replace(answer, goes_on=False, taken=[])
        return answer

    def _write(self) -> None:
        """Write what has been done."""
        self._calls_to_write().run(self._services.store)
        self._resume()

    def _calls_to_write(self) -> Calls:
        calls = Calls()
        for unwritten in self._unwritten:
            calls.extend(unwritten.calls)
        return calls

    def _resume(self) -> None:
        """Resume the work whose calls are written. If the round trip failed, the work waits for the next one."""
        written, self._unwritten = self._unwritten, []
        for one in written:
            self._do(partial(_until_it_writes, one.work))

    def _begin(self, taken: Any, began_at_s: float) -> None:
        self._done += 1
        begin = partial(_begun, self._act, taken, began_at_s)
        if self._overlap > 1:
            try:
                self._threads.begin(begin)
                return
            except RuntimeError:
                pass  # no further thread can start, as at a limit of processes
        self._do(begin)

    def _await(self, timeout_s: float | None) -> None:
        """Wait until a request ends, and collect all that have ended by then."""
        for ended in self._threads.ended(timeout_s):
            self._collect(ended)

    def _do(self, act: Callable[[], _Unwritten | None]) -> None:
        try:
            ended: _Unwritten | BaseException | None = act()
        except Exception as error:  # noqa: BLE001 (raised at the end of the turn)
            ended = error
        self._collect(ended)

    def _collect(self, ended: _Unwritten | BaseException | None) -> None:
        """Keep what work has to write. Its error is raised at the end of the turn, after the others are written."""
        if isinstance(ended, _Unwritten):
            self._unwritten.append(ended)
        elif isinstance(ended, Exception):
            self._errors.append(ended)
        elif ended is not None:
            raise ended

    def _end(self) -> None:
        """Whatever ends the turn: a request that has begun is finished, and its result is written."""
        while self._threads.under_way or self._unwritten:
            if self._threads.under_way:
                self._await(None)
            self._write()
        turns = self._services.turns
        # A turn that the store ended needs no successor. After one that ends by its time, the store decides.
        if self._goes_on and turns.ring_call(self._queue, ended=self._turn.name).run(self._services.store):
            self._services.ring(self._queue)


def _until_it_writes(work: Work) -> _Unwritten | None:
    """Let work go on until it has calls to write. None once it is over."""
    calls = next(work, None)
    return None if calls is None else _Unwritten(work, calls)


def _begun(act: Act, taken: Any, began_at_s: float) -> _Unwritten | None:
    return _until_it_writes(act(taken, began_at_s))
