"""Calls of scripts as values: several share one round trip, and each is read as what it returns.

A method whose name ends in `_call` asks nothing. It returns a `Call`, which can run by itself, or together with others:

    calls = Calls()
    moved = calls.add(batches.move_call(batch, move, from_states={PLANNED}))
    calls.add(limiter.release_call(permit, used=True))
    calls.run(store)
    if moved.value:
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from campaigns.store.client import Store

T = TypeVar("T")

_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A script with its keys, its arguments after the time, and the function that reads its raw answer."""

    script: str
    keys: Sequence[str]
    args: Sequence[Any]
    read: Callable[[Any], T]

    def run(self, store: Store) -> T:
        """Run it in a round trip of its own. Raises StoreError."""
        return self.read(store.run(self.script, self.keys, self.args))


class Reply(Generic[T]):
    """What a call will have returned, once the round trip that carries it is over."""

    __slots__ = ("_raw", "_read")

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read
        self._raw: Any = _MISSING

    def fill(self, raw: Any) -> None:
        """Give it the raw answer."""
        self._raw = raw

    @property
    def value(self) -> T:
        """The answer. Raises RuntimeError while there is none."""
        if self._raw is _MISSING:
            raise RuntimeError("the round trip of this call is not over")
        return self._read(self._raw)


class Calls:
    """Calls that share a round trip, in the order in which they were added. Atomic per call, not as a whole."""

    def __init__(self, *calls: Call[Any]) -> None:
        self._calls: list[tuple[Call[Any], Reply[Any]]] = []
        for call in calls:
            self.add(call)

    def add(self, call: Call[T]) -> Reply[T]:
        """Append a call. Its reply has a value as soon as the round trip is over."""
        reply = Reply(call.read)
        self._calls.append((call, reply))
        return reply

    def extend(self, others: Calls) -> None:
        """Append the calls of `others`; the replies that were given for them are filled by this round trip."""
        self._calls += others._calls

    def run(self, store: Store) -> None:
        """Run all in one round trip; without calls there is none. Raises StoreError, and then no reply has a value."""
        self._fill(store.run_in_turn(self._raw()))

    def run_replicated(self, store: Store) -> bool:
        """As `run`. Returns whether as many replicas as the settings ask for have what was written."""
        if not store.replicas:
            self.run(store)
            return True
        answers, replicated = store.run_replicated(self._raw())
        self._fill(answers)
        return replicated

    def _raw(self) -> list[tuple[str, Sequence[str], Sequence[Any]]]:
        return [(call.script, call.keys, call.args) for call, _ in self._calls]

    def _fill(self, answers: Sequence[Any]) -> None:
        for (_, reply), answer in zip(self._calls, answers, strict=True):
            reply.fill(answer)


def nothing(_: object) -> None:
    """Read the answer of a script that has nothing to return."""
