"""The limiter that all workers share: rate, concurrency and pauses, per account, exact across processes.

Quick messages do not queue behind a large campaign: for a minute after an account sent one, a tenth of its rate,
and one of its concurrent requests, are left to them.

It fails closed: when Redis cannot be asked there is no permit, and StoreError says so.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson

from campaigns.accounts.pauses import OTHER
from campaigns.accounts.permits import Permit, Reads, Wait
from campaigns.acts import Act, packed
from campaigns.errors import PermitDeniedError
from campaigns.gateway.noting import Made, Notes, raises_of
from campaigns.measures import flat
from campaigns.names import CONTROL, DUE_QUEUES
from campaigns.settings import Rate
from campaigns.store.client import ScriptCall, Store, decoded

__all__ = ["Breaker", "Limiter", "Permit", "Reads", "Wait"]

_MICRO = 1_000_000
#: The part of the rate that is a fast lane for quick messages; limits below five requests have none.
_FAST_SHARE = 0.1
_FAST_FROM = 5
#: What a request is, to the script.
_PAID, _QUICK, _READ = "paid", "quick", "read"


class Breaker(NamedTuple):
    """When a run of failures pauses an account: after how many, for how long at first, for how long at most."""

    failures: int = 5
    first_s: float = 15.0
    longest_s: float = 600.0


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
        #: As scripts take them: see `lua/include/permits.lua`.
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
        """A permit for a paid request, after at most `patience_s` of waiting, or how long to stay away.

        `quick` messages may overtake.
        """
        return self._acquire(Permit(account, secrets.token_hex(8)), _QUICK if quick else _PAID, patience_s)

    def regain(self, permit: Permit, *, patience_s: float = 1.0) -> Permit | Wait:
        """Acquire again what was released: for whoever makes other requests between claim and payment."""
        return self._acquire(permit, _PAID, patience_s)

    def _acquire(
        self, permit: Permit, kind: str, patience_s: float, before: Sequence[ScriptCall] = ()
    ) -> Permit | Wait:
        until = self._monotonic() + patience_s
        while True:
            acquiring = "acquire_permit", self._keys(permit.account), [permit.id, kind, *self.limits, permit.account]
            *_, answer = self._store.run_in_turn([*before, acquiring])
            before = ()
            if answer[0] == 0:
                return permit
            wait = Wait(answer[0] / _MICRO, answer[1].decode())
            if self._monotonic() + wait.seconds > until:
                return wait
            self._sleep(wait.seconds)

    def release(self, permit: Permit, *, used: bool, outcome: str = "") -> int:
        """Give the permit back; `outcome` as for `releasing`. Returns the failures in a row.

        An unused permit, one under which no byte was written, frees its slot at once.
        """
        failures, _ = self._store.run(*self.releasing(permit, used=used, outcome=outcome))
        return int(failures)

    def releasing(
        self,
        permit: Permit,
        *,
        used: bool,
        outcome: str = "",
        why: str = "no clear answer",
        data: Mapping[str, Any] | None = None,
        notes: Sequence[Made] = (),
    ) -> ScriptCall:
        """The call that `release` makes, for whoever has more to say in the same round trip.

        `outcome` is what the request says of the gateway: 'ok', 'failed', 'refused' (a failure, but the gateway
        answers) or '' (nothing). A run of failures pauses the account's paid requests: first for `Breaker.first_s`
        seconds, then, as long as the one request that tries after each pause fails, for twice as long each time.
        `why` says what failed, `data` joins the event; `notes` are the requests that were made under the permit.
        Answers the failures in a row and the ms of a pause that begins with this one.
        """
        args = [permit.id, "used" if used else "unused", round(self._rate.window_s * _MICRO), outcome]
        more = [*self._breaker, permit.account, why, orjson.dumps(dict(data or {})), *flat(raises_of(notes))]
        return "release_permit", [*self._keys(permit.account), self._store.keys.events()], [*args, *more]

    @contextmanager
    def reading(self, account: str, method: str, patience_s: float = 5.0) -> Iterator[Notes]:
        """As a call of `reads`, for one request that costs nothing. Raises PermitDeniedError if there is no permit."""
        with self.reads(account, patience_s) as reads, reads(method) as notes:
            yield notes

    def reads(self, account: str, patience_s: float = 5.0, first: Permit | None = None) -> Reads:
        """Permits for several such requests, one after the other. `first` is one that is held already."""

        def acquire(method: str, before: Sequence[ScriptCall]) -> Permit:
            permit = self._acquire(Permit(account, secrets.token_hex(8)), _READ, patience_s, before)
            if isinstance(permit, Wait):
                raise PermitDeniedError(method, f"not asked: {permit.words}", retry_after_s=permit.seconds)
            return permit

        return Reads(self._store, acquire, self.releasing, first)

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
        """Let all workers leave the account alone for so long, with an event.

        With `paid_only` what was sent is followed all the same. `cause` is one of `campaigns.accounts.pauses.CAUSES`.
        """
        self._store.run(*self.pausing(account, seconds, reason, data, paid_only=paid_only, cause=cause))

    def pausing(
        self,
        account: str,
        seconds: float,
        reason: str,
        data: Mapping[str, Any] | None = None,
        *,
        paid_only: bool = False,
        cause: str = OTHER,
    ) -> ScriptCall:
        """The call that `pause` makes, for whoever has more to say in the same round trip."""
        requests = "paid" if paid_only else "all"
        return self._pausing(account, max(1, round(seconds * 1000)), reason, data, requests, cause=cause)

    def resume(self, account: str, act: Act | None = None) -> None:
        """End an account's pauses, whatever their reason, with an event, and with a record of somebody's `act`."""
        self._store.run(*self._pausing(account, 0, "", act.said() if act else None, act=act))

    def pause_of(self, account: str) -> tuple[int, str] | None:
        """Until when (unix ms) and why the account is paused; None if it does not.

        After a run of failures it is paused until a request has succeeded: until now, while one tries.
        """
        fields = decoded(self._store.ask("hgetall", self._store.keys.account(account)))
        kinds, now_ms = ("all", "paid", "open"), self._store.now_ms()
        pauses = [(int(fields.get(f"{what}_until_ms", 0)), fields.get(f"{what}_reason", "")) for what in kinds]
        longest = max(pauses)
        if longest[0] > now_ms:
            return longest
        return (now_ms, pauses[-1][1]) if pauses[-1][0] else None

    def accepted_ms(self, account: str) -> int:
        """When the gateway last accepted a paid request of the account, unix ms; 0 if it never did."""
        return int(self._store.ask("hget", self._store.keys.account(account), "accepted_ms") or 0)

    def _pausing(
        self,
        account: str,
        pause_ms: int,
        reason: str,
        data: Mapping[str, Any] | None,
        requests: str = "all",
        act: Act | None = None,
        cause: str = "",
    ) -> ScriptCall:
        keys = self._store.keys
        return (
            "pause_account",
            [
                keys.account(account),
                keys.events(),
                keys.audit(),
                *(keys.accounts(queue) for queue in DUE_QUEUES if queue != CONTROL),
            ],
            [account, pause_ms, reason, requests, orjson.dumps(dict(data or {})), packed(act), cause],
        )

    def _keys(self, account: str) -> list[str]:
        keys = self._store.keys
        return [keys.account(account), keys.permits(account)]
