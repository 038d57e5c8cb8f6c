"""Permits of the limiter, and how permits for requests that cost nothing are given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from campaigns.errors import NotSentError
from campaigns.gateway.noting import Notes
from campaigns.store.calls import Call, Calls
from campaigns.store.client import Store

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
    """No permit for `seconds`: the account is paused (`paused`), or its limit is used up (`rate`, `busy`)."""

    seconds: float
    why: str

    @property
    def words(self) -> str:
        """The reason, in words for people."""
        return _WAITS.get(self.why, self.why)


class ReadPermits:
    """Permits for requests that cost nothing: each is given back in the round trip that asks for the next.

    Leaving the context gives the last one back, unless its holder took it over with `release_calls`.
    """

    def __init__(
        self,
        store: Store,
        acquire: Callable[[str, Calls], Permit],
        release_call: Callable[..., Call[Any]],
        first: Permit | None = None,
    ) -> None:
        self._store = store
        self._acquire = acquire
        self._release_call = release_call
        self._first = first
        self._last: tuple[Permit, bool, Notes] | None = None

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
            self._last = permit, used, notes

    def release_calls(self) -> Calls:
        """The calls that give back what is held, for the caller to run together with its own. Made only once."""
        calls = Calls()
        if self._last is not None:
            (permit, used, notes), self._last = self._last, None
            calls.add(self._release_call(permit, used=used, notes=notes))
        if self._first is not None:
            first, self._first = self._first, None
            calls.add(self._release_call(first, used=False))
        return calls

    def __enter__(self) -> ReadPermits:
        return self

    def __exit__(self, *_: object) -> None:
        self.release_calls().run(self._store)
