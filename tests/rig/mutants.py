"""Mistakes that could be made in this project, made on purpose: the rig has to see what each of them does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from campaigns.errors import DoubtError, NotWrittenError
from campaigns.flow import dispatch, sweep
from campaigns.flow.services import Services
from campaigns.gateway import Transport
from campaigns.ledger import LEASE, SEND, Batch, Move
from campaigns.ledger.states import PLANNED, SENDING
from campaigns.results import Events


@contextmanager
def dead_leases_are_planned_again() -> Iterator[None]:
    """A worker that died is taken to have sent nothing."""

    def plan_again(services: Services, batch: Batch) -> bool:
        move = Move(PLANNED, {"reason": "its worker died"}, {}, {LEASE: None, SEND: 0})
        return services.batches.move(batch, move, from_states={SENDING}, fence=batch.fence)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "declare_unknown", plan_again)
        patch.setattr(sweep, "declare_unknown", plan_again)
        yield


@contextmanager
def trimming_is_blind() -> Iterator[None]:
    """The stream is cut by age alone, whatever its groups have read."""

    def trim(self: Events, life_ms: int) -> int:
        oldest = max(0, self._store.now_ms() - life_ms)
        self._store.ask("xtrim", self._key, None, True, oldest)
        return int(self._store.ask("xlen", self._key))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Events, "trim", trim)
        yield


class TrustsSslErrors(Transport):
    """Takes an SSL error for a sign that nothing was sent, as its name in requests suggests."""

    def send(self, *args: Any, **options: Any) -> Any:
        try:
            return super().send(*args, **options)
        except DoubtError as error:
            if "SSL" not in error.reason:
                raise
            problem = NotWrittenError(error.method, error.reason)
        raise problem
