"""The limiter that all workers share: rate, concurrency and pauses per account, exact across processes.

Quick messages do not queue behind a large campaign: for a minute after an account sent one, a tenth of its rate
and one of its concurrent requests are reserved for them.

`store/lua/include/permits.lua` decides whether there is a permit, and otherwise how long to wait; `Limiter` waits for
that time. It fails closed: without an answer from Redis there is no permit, but StoreError.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson

from campaigns.accounts.pauses import OTHER
from campaigns.accounts.permits import Permit, ReadPermits, Wait
from campaigns.acts import Act, packed
from campaigns.errors import PermitDeniedError
from campaigns.gateway.noting import Made, Notes, clock_ms, raises_of
from campaigns.measures import flat
from campaigns.names import CONTROL, DUE_QUEUES
from campaigns.settings import Rate
from campaigns.store.calls import Call, Calls, nothing
from campaigns.store.client import Store, decoded
from campaigns.store.commands import Redis

__all__ = ["Breaker", "Limiter", "Permit", "ReadPermits", "Released", "Wait"]

_MICRO = 1_000_000
#: The part of the rate that is reserved for quick messages, if the limit is five requests or more.
_FAST_SHARE = 0.1
_FAST_FROM = 5
#: Kinds of requests, as the script names them.
_PAID, _QUICK, _READ = "paid", "quick", "read"


class Breaker(NamedTuple):
    """When a run of failures pauses an account: after how many, for how long at first, for how long at most."""

    failures: int = 5
    first_s: float = 15.0
    longest_s: float = 600.0


class Released(NamedTuple):
    """What giving a permit back brought: failures in a row, and ms of a pause that begins with them (0: none)."""

    failures: int
    pause_ms: int


class Limiter:
    """Every method may raise StoreError."""

    def __init__(
        self,
        store: Store,
        *,
        rate: Rate,
        concurrency: int,
        read_share: float,
        permit_life_s: float,
        breaker: Breaker = Breaker(),  # noqa: B008 (never changed)
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._rate = rate
        self._breaker = [breaker.failures, round(breaker.first_s * 1000), round(breaker.longest_s * 1000)]
        #: The window (us) and the limits of a run of failures, as scripts take them that give a permit back.
        self.releasing = [round(rate.window_s * _MICRO), *self._breaker]
        #: As scripts take them: see `store/lua/include/permits.lua`.
        self.limits = [
            rate.requests,
            round(rate.window_s * _MICRO),
            concurrency,
            max(1, int(rate.requests * read_share)),
            max(1, int(concurrency * read_share)),
            round(permit_life_s * _MICRO),
            max(1, int(rate.requests * _FAST_SHARE)) if rate.requests >= _FAST_FROM else 0,
        ]
        self._sleep = sleep
        self._monotonic = monotonic

    def acquire(self, account: str, *, quick: bool = False, patience_s: float = 1.0) -> Permit | Wait:
        """A permit for a paid request, after waiting for at most `patience_s`; or how long the caller must wait.

        `quick` messages may overtake others.
        """
        return self._acquire(Permit(account, secrets.token_hex(8)), _QUICK if quick else _PAID, patience_s)

    def regain(self, permit: Permit, *, patience_s: float = 1.0) -> Permit | Wait:
        """Acquire a released permit again, for a caller that makes other requests between claim and payment."""
        return self._acquire(permit, _PAID, patience_s)

    def _acquire(self, permit: Permit, kind: str, patience_s: float, before: Calls | None = None) -> Permit | Wait:
        """Ask until there is a permit or the next wait would exceed `patience_s`.

        The calls `before` run in the round trip of the first request.
        """
        until_s, calls = self._monotonic() + patience_s, before or Calls()
        args = [permit.id, kind, *self.limits, permit.account]
        while True:
            reply = calls.add(Call("acquire_permit", self._keys(permit.account), args, _wait_of))
            calls.run(self._store)
            wait, calls = reply.value, Calls()
            if wait is None:
                return permit
            if self._monotonic() + wait.seconds > until_s:
                return wait
            self._sleep(wait.seconds)

    def release(self, permit: Permit, *, used: bool, outcome: str = "") -> int:
        """Give the permit back; `outcome` as for `release_call`. Returns the failures in a row.

        An unused permit, one under which no byte was written, frees its slot at once.
        """
        return self.release_call(permit, used=used, outcome=outcome).run(self._store).failures

    def release_call(
        self,
        permit: Permit,
        *,
        used: bool,
        outcome: str = "",
        why: str = "no clear answer",
        data: Mapping[str, Any] | None = None,
        notes: Sequence[Made] = (),
    ) -> Call[Released]:
        """The call that `release` makes.

        `outcome` is what the request says of the gateway: 'ok', 'failed', 'refused' (a failure, but the gateway
        answers) or '' (nothing). A run of failures pauses the account's paid requests: first for `Breaker.first_s`
        seconds, then for twice the last time whenever the single request after a pause fails as well.
        `why` says what failed, `data` joins the event; `notes` are the requests that were made under the permit.
        """
        args = [permit.id, "used" if used else "unused", round(self._rate.window_s * _MICRO), outcome]
        more = [*self._breaker, permit.account, why, orjson.dumps(dict(data or {})), clock_ms(notes) or ""]
        names = [*self._keys(permit.account), self._store.keys.events()]
        return Call("release_permit", names, [*args, *more, *flat(raises_of(notes))], _released)

    @contextmanager
    def read_permit(self, account: str, method: str, patience_s: float = 5.0) -> Iterator[Notes]:
        """A permit for one request that costs nothing. Raises PermitDeniedError if there is none."""
        with self.read_permits(account, patience_s) as permits, permits(method) as notes:
            yield notes

    def read_permits(self, account: str, patience_s: float = 5.0, first: Permit | None = None) -> ReadPermits:
        """Permits for several such requests, one after the other. `first` is one that is held already."""

        def acquire(method: str, before: Calls) -> Permit:
            permit = self._acquire(Permit(account, secrets.token_hex(8)), _READ, patience_s, before)
            if isinstance(permit, Wait):
                raise PermitDeniedError(method, f"not asked: {permit.words}", retry_after_s=permit.seconds)
            return permit

        return ReadPermits(self._store, acquire, self.release_call, first)

    def pause(
        self,
        account: str,
        seconds: float,
        reason: str,
        data: Mapping[str, Any] | None = None,
        *,
        paid_only: bool = False,
        cause: str = OTHER,
    ) -> None:
        """Keep all workers from the account for `seconds`, with an event.

        With `paid_only` what was sent is followed all the same. `cause` is one of `campaigns.accounts.pauses.CAUSES`.
        """
        self.pause_call(account, seconds, reason, data, paid_only=paid_only, cause=cause).run(self._store)

    def pause_call(
        self,
        account: str,
        seconds: float,
        reason: str,
        data: Mapping[str, Any] | None = None,
        *,
        paid_only: bool = False,
        cause: str = OTHER,
    ) -> Call[None]:
        """The call that `pause` makes."""
        requests = "paid" if paid_only else "all"
        return self._pause_call(account, max(1, round(seconds * 1000)), reason, data, requests, cause=cause)

    def resume(self, account: str, act: Act | None = None) -> None:
        """End an account's pauses, whatever their reason, with an event, and with a record of a person's `act`."""
        self._pause_call(account, 0, "", act.said() if act else None, act=act).run(self._store)

    def pause_of(self, account: str) -> tuple[int, str] | None:
        """Until when (unix ms) and why the account is paused; None if it is not.

        After a run of failures it is paused until a request has succeeded. While one tries, the time is now.
        """
        fields = decoded(self._store.ask(Redis.hgetall, self._store.keys.account(account)))
        kinds, now_ms = ("all", "paid", "budget", "open"), self._store.now_ms()
        pauses = [(int(fields.get(f"{what}_until_ms", 0)), fields.get(f"{what}_reason", "")) for what in kinds]
        longest = max(pauses)
        if longest[0] > now_ms:
            return longest
        return (now_ms, pauses[-1][1]) if pauses[-1][0] else None

    def accepted_ms(self, account: str) -> int:
        """When the gateway last accepted a paid request of the account, unix ms; 0 if it never did."""
        return int(self._store.ask(Redis.hget, self._store.keys.account(account), "accepted_ms") or 0)

    def _pause_call(
        self,
        account: str,
        pause_ms: int,
        reason: str,
        data: Mapping[str, Any] | None,
        requests: str = "all",
        act: Act | None = None,
        cause: str = "",
    ) -> Call[None]:
        keys = self._store.keys
        return Call(
            "pause_account",
            [
                keys.account(account),
                keys.events(),
                keys.audit(),
                *(keys.accounts(queue) for queue in DUE_QUEUES if queue != CONTROL),
            ],
            [account, pause_ms, reason, requests, orjson.dumps(dict(data or {})), packed(act), cause],
            nothing,
        )

    def _keys(self, account: str) -> list[str]:
        keys = self._store.keys
        return [keys.account(account), keys.permits(account)]


def _wait_of(answer: Sequence[Any]) -> Wait | None:
    return Wait(answer[0] / _MICRO, answer[1].decode()) if answer[0] else None


def _released(answer: Sequence[Any]) -> Released:
    failures, pause_ms = answer
    return Released(int(failures), int(pause_ms))
