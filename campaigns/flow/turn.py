"""A worker's turn at a queue: it takes what is due, asks the gateway, records, and takes again for a moment.

A Celery message costs far more than an entry of a sorted set, so a message is only a bell. Requests that wait for the
gateway overlap: each has a thread of its own, while this one speaks with the store. What several requests brought is
written in the round trip that takes the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

from campaigns.ledger import Turn
from campaigns.ledger.turns import Answer
from campaigns.services import Services
from campaigns.store.client import ScriptCall

#: How long a turn takes more. What it has under way by then is finished.
TURN_S: Final = 2.0
#: How long a turn waits for an account that can act soon, before it leaves that to the next bell.
PATIENCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written after something was done. `after` is given the answers to `calls`."""

    calls: list[ScriptCall] = field(default_factory=list)
    after: Callable[[list[Any]], object] | None = None


#: Does what was taken. `began_at_s` (boot clock) lies before it was taken.
Act = Callable[[Any, float], Outcome]
#: Gives back what must not be done after all.
GiveBack = Callable[[Any], Outcome]


class WorkerTurn:
    """One turn. `overlap`: requests under way at once; with one, everything happens in this thread.

    `most`: what one call may take; as many as may be under way, unless it asks the gateway nothing. With `give_back`
    what was taken waits for replicas, as many as the settings say, and is given back by it if they lack it.
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
        self._turn: Turn = services.turns.begin(queue, worker, round(patience_s * 1000))
        self._done = 0
        self._finished: list[Outcome] = []
        self._under_way: set[Future[Outcome]] = set()
        self._errors: list[BaseException] = []
        self._goes_on = True

    def run(self) -> int:
        """Returns how many things were done. Raises what the first of them raised, once all else is written."""
        until_s = self._monotonic() + TURN_S
        with ThreadPoolExecutor(max_workers=self._overlap) as threads:
            try:
                while self._goes_on and self._monotonic() < until_s:
                    self._step(threads, until_s)
            finally:
                self._end()
        if self._errors:
            raise self._errors[0]
        return self._done

    def _step(self, threads: Executor, until_s: float) -> None:
        free = self._most - len(self._under_way)
        began_at_s = self._services.boot_s()
        answer = self._take(free)
        self._goes_on = answer.goes_on
        if answer.ring:
            self._services.ring(self._queue)
        for taken in answer.taken:
            self._begin(threads, taken, began_at_s)
        if self._finished or not self._goes_on:
            return
        wait_s = None if answer.wait_ms is None or len(answer.taken) == free else answer.wait_ms / 1000
        if self._under_way:
            self._await(wait_s)
        elif wait_s:
            self._services.sleep(min(wait_s, max(0.0, until_s - self._monotonic())))

    def _take(self, most: int) -> Answer:
        """Record what has been done, and take more in the same round trip."""
        (said,), replicated = self._write(self._turn.taking(most, len(self._under_way)))
        answer = self._turn.read(said, replicated=replicated)
        if not replicated and self._give_back is not None:
            # Not one byte of it may leave. The turn ends: replicas need longer than a moment.
            self._finished += [self._give_back(taken) for taken in answer.taken]
            return Answer(answer.now_ms, False, answer.wait_ms, answer.ring, [])
        return answer

    def _write(self, *more: ScriptCall) -> tuple[list[Any], bool]:
        """Record what has been done, and make `more` calls in the same round trip. Returns the answers to those,
        and whether as many replicas as must have them do; where nothing is given back that is not asked for.

        What could not be written stays to be written: every call may be repeated.
        """
        outcomes = list(self._finished)
        calls = [call for outcome in outcomes for call in outcome.calls]
        store = self._services.store
        if more and self._give_back is not None and store.replicas:
            answers, replicated = store.run_replicated([*calls, *more])
        else:
            answers, replicated = store.run_in_turn([*calls, *more]), True
        del self._finished[: len(outcomes)]
        at = 0
        for outcome in outcomes:
            self._follow(outcome, answers[at : at + len(outcome.calls)])
            at += len(outcome.calls)
        return answers[at:], replicated

    def _follow(self, outcome: Outcome, answers: list[Any]) -> None:
        if outcome.after is None:
            return
        try:
            outcome.after(answers)
        except Exception as error:  # noqa: BLE001 (raised at the end of the turn: what was taken meanwhile goes first)
            self._errors.append(error)

    def _begin(self, threads: Executor, taken: Any, began_at_s: float) -> None:
        self._done += 1
        if self._overlap == 1:
            self._finish(lambda: self._act(taken, began_at_s))
        else:
            self._under_way.add(threads.submit(self._act, taken, began_at_s))

    def _await(self, timeout_s: float | None) -> None:
        done, self._under_way = wait(self._under_way, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in done:
            self._finish(future.result)

    def _finish(self, act: Callable[[], Outcome]) -> None:
        """What goes wrong with one must not keep the others from being written."""
        try:
            self._finished.append(act())
        except Exception as error:  # noqa: BLE001 (raised at the end of the turn)
            self._errors.append(error)

    def _end(self) -> None:
        """Whatever ends the turn: a request that has begun is finished, and what came of it is written."""
        while self._under_way:
            self._await(None)
            self._write()
        self._write()
        turns = self._services.turns
        if self._goes_on and self._services.store.run(*turns.ringing(self._queue, ended=self._turn.name)):
            self._services.ring(self._queue)
