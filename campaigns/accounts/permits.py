"""Permits of the limiter, and how those for reading are given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from campaigns.errors import NotSentError
from campaigns.gateway.noting import Notes
from campaigns.store.client import ScriptCall, Store

_WAITS: Final = {
    "paused": "the account is paused",
    "rate": "the account's limit of requests is used up at the moment",
    "busy": "the account has as many requests under way as it may",
}


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one request."""

    account: str
    id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """No leave for `seconds`: the account is paused (`paused`), or its limit is used up (`rate`, `busy`)."""

    seconds: float
    why: str

    @property
    def words(self) -> str:
        """The same for a person."""
        return _WAITS.get(self.why, self.why)


class Reads:
    """Permits for requests that cost nothing: each is given back in the round trip that asks for the next.

    Leaving the context gives the last one back, unless its holder took `release_calls` into what it wrote.
    """

    def __init__(
        self,
        store: Store,
        acquire: Callable[[str, Sequence[ScriptCall]], Permit],
        releasing: Callable[..., ScriptCall],
        first: Permit | None = None,
    ) -> None:
        self._store = store
        self._acquire = acquire
        self._releasing = releasing
        self._first = first
        self._to_release: tuple[Permit, bool, Notes] | None = None

    @contextmanager
    def __call__(self, method: str) -> Iterator[Notes]:
        """A permit around one request, and where to note it. Raises PermitDeniedError if there is none."""
        permit, self._first = self._first or self._acquire(method, self.release_calls()), None
        used, notes = True, Notes()
        try:
            yield notes
        except NotSentError:
            used = False
            raise
        finally:
            self._to_release = permit, used, notes

    def release_calls(self) -> list[ScriptCall]:
        """The calls that give back what is held, to be made by whoever asks: they are not said twice."""
        calls = []
        if self._to_release is not None:
            (permit, used, notes), self._to_release = self._to_release, None
            calls.append(self._releasing(permit, used=used, notes=notes))
        if self._first is not None:
            first, self._first = self._first, None
            calls.append(self._releasing(first, used=False))
        return calls

    def __enter__(self) -> Reads:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.run_in_turn(self.release_calls())
