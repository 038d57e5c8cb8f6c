"""Mistakes that could be made in this project, made on purpose: the rig has to see what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from threading import Thread
from typing import Any

import pytest

import campaigns.store.client
from campaigns.errors import NotSentError, OutcomeUnknownError, StoreError
from campaigns.events import Events
from campaigns.events.stream import Trimmed
from campaigns.flow.scheduling import leases, sweep
from campaigns.gateway import Transport
from campaigns.gateway.exchange import Exchange
from campaigns.ledger import LEASE, SEND, Batch, Move
from campaigns.ledger.states import PLANNED, SENDING
from campaigns.services import Services
from campaigns.store.client import ScriptCall, Store
from campaigns.store.commands import Redis


@contextmanager
def dead_leases_are_planned_again() -> Iterator[None]:
    """A worker that died is taken to have sent nothing."""

    def plan_again(services: Services, batch: Batch) -> bool:
        move = Move(PLANNED, {"reason": "its worker died"}, {}, {LEASE: None, SEND: 0})
        return services.batches.move(batch, move, from_states={SENDING}, fence=batch.fence)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "declare_unknown", plan_again)
        patch.setattr(sweep, "declare_unknown", plan_again)
        yield


@contextmanager
def trimming_is_blind() -> Iterator[None]:
    """The stream is cut by age alone, whatever its groups have read."""

    def trim(self: Events, life_ms: int, cap: int) -> Trimmed:
        oldest = max(0, self._store.now_ms() - life_ms)
        self._store.ask(Redis.xtrim, self._key, None, True, oldest)
        return Trimmed(int(self._store.ask(Redis.xlen, self._key)), 0, False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Events, "trim", trim)
        yield


class TrustsSslErrors(Transport):
    """Takes an SSL error for a sign that nothing was sent, as its name in requests suggests."""

    def send(self, *args: Any, **options: Any) -> Any:
        return _trusting(super().send, *args, **options)


@contextmanager
def ssl_errors_are_trusted() -> Iterator[None]:
    """The same in every transport."""
    original = Transport.send

    def send(self: Transport, *args: Any, **options: Any) -> Any:
        return _trusting(partial(original, self), *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "send", send)
        yield


def _trusting(send: Callable[..., Any], *args: Any, **options: Any) -> Any:
    try:
        return send(*args, **options)
    except OutcomeUnknownError as error:
        if "SSL" not in error.reason:
            raise
        problem = NotSentError(error.method, error.reason)
    raise problem


@contextmanager
def nothing_guards_the_first_byte() -> Iterator[None]:
    """A worker that has claimed a batch sends it, however late."""
    original = Exchange.__init__

    def init(self: Exchange, *args: Any, **fields: Any) -> None:
        original(self, *args, **{**fields, "may_write": lambda: True})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Exchange, "__init__", init)
        yield


@contextmanager
def nothing_waits_for_replicas() -> Iterator[None]:
    """A claim is sent whether or not any replica has it."""

    def run_replicated(self: Store, calls: Sequence[ScriptCall]) -> tuple[list[Any], bool]:
        return self.run_in_turn(calls), True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "run_replicated", run_replicated)
        yield


@contextmanager
def replicas_are_waited_for_after_the_first_byte() -> Iterator[None]:
    """A claim is sent at once, and meanwhile it is waited for."""

    def confirm(store: Store) -> None:
        with suppress(StoreError):
            store.confirm()

    def run_replicated(self: Store, calls: Sequence[ScriptCall]) -> tuple[list[Any], bool]:
        answers = self.run_in_turn(calls)
        Thread(target=confirm, args=(self,), daemon=True).start()
        return answers, True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "run_replicated", run_replicated)
        yield


@contextmanager
def another_primary_is_not_noticed() -> Iterator[None]:
    """Scripts compare neither the replication id nor what workers know of lost claims."""
    text = campaigns.store.client.script_text

    def blind(name: str) -> str:
        found = text(name)
        for sight in ("known[1] and known[1] ~= id", "known[1] and (epoch > p.epoch"):
            if "notice_change" in found:
                assert sight in found, sight
            found = found.replace(sight, sight.replace("known[1] and", "false and", 1))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaigns.store.client, "script_text", blind)
        yield


#: Mutants of the workers, for the storm.
IN_WORKERS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "dead-leases": dead_leases_are_planned_again,
    "no-guard": nothing_guards_the_first_byte,
    "ssl": ssl_errors_are_trusted,
    "trimming": trimming_is_blind,
}
#: Mutants of what is done about a store that fails over.
OF_FAILOVERS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "no-wait": nothing_waits_for_replicas,
    "late-wait": replicas_are_waited_for_after_the_first_byte,
    "blind": another_primary_is_not_noticed,
}
#: Not of the workers: a store whose writes no longer reach the disk, and an ordinary Celery task.
LOSES_WRITES, ORDINARY = "loses-writes", "ordinary"
MUTANTS = (*IN_WORKERS, LOSES_WRITES, ORDINARY)
