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

from campaigns.errors import StoreError
from campaigns.store.client import ScriptCall, Store

T = TypeVar("T")

_MISSING: Final = object()
#: Parts that one call of a script takes: it must not keep other clients of the server waiting.
_PARTS: Final = 32


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A script with its keys, its arguments after the time, and the function that reads its raw answer.

    `part`: the last argument of a script that takes several such and answers each. Where calls of it share keys and
    arguments as well as a round trip, they become one call of the script.
    """

    script: str
    keys: Sequence[str]
    args: Sequence[Any]
    read: Callable[[Any], T]
    part: bytes | None = None

    def run(self, store: Store) -> T:
        """Run it in a round trip of its own. Raises StoreError."""
        if self.part is None:
            return self.read(store.run(self.script, self.keys, self.args))
        (answer,) = store.run(self.script, self.keys, [*self.args, self.part])
        return self.read(answer)


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
    """Calls that share a round trip, in the order in which they were added, parts of one script in the place of the
    first. Atomic per call and per part, not as a whole."""

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
        asked = _Asked(self._calls)
        asked.fill(store.run_in_turn(asked.scripts))

    def run_replicated(self, store: Store) -> bool:
        """As `run`. Returns whether as many replicas as the settings ask for have what was written."""
        if not store.replicas:
            self.run(store)
            return True
        asked = _Asked(self._calls)
        answers, replicated = store.run_replicated(asked.scripts)
        asked.fill(answers)
        return replicated


class _Asked:
    """What a round trip asks: calls as scripts, where parts of the same one are together."""

    def __init__(self, calls: Sequence[tuple[Call[Any], Reply[Any]]]) -> None:
        self.scripts: list[ScriptCall] = []
        self._replies: list[list[Reply[Any]]] = []
        self._whole: list[bool] = []
        places: dict[tuple[object, ...], int] = {}
        for call, reply in calls:
            if call.part is None:
                self._ask(call, call.args, reply)
                continue
            shared = (call.script, *call.keys, *call.args)
            place = places.get(shared)
            if place is None or len(self._replies[place]) == _PARTS:
                places[shared] = len(self.scripts)
                self._ask(call, [*call.args, call.part], reply)
            else:
                self.scripts[place][2].append(call.part)  # type: ignore[attr-defined]
                self._replies[place].append(reply)

    def _ask(self, call: Call[Any], args: Sequence[Any], reply: Reply[Any]) -> None:
        self.scripts.append((call.script, call.keys, args))
        self._replies.append([reply])
        self._whole.append(call.part is None)

    def fill(self, answers: Sequence[Any]) -> None:
        """Give every reply its answer. Raises StoreError where a script failed with all its parts: the server takes no
        writes, and what is asked may be asked again."""
        for (name, *_), whole, answer in zip(self.scripts, self._whole, answers, strict=True):
            if not whole and all(isinstance(one, Exception) for one in answer):
                raise StoreError(f"{name}: {answer[0]}")
        for whole, replies, answer in zip(self._whole, self._replies, answers, strict=True):
            for reply, raw in zip(replies, [answer] if whole else answer, strict=True):
                reply.fill(raw)


def nothing(_: object) -> None:
    """Read the answer of a script that has nothing to return."""
