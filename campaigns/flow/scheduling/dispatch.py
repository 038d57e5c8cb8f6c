"""Ringing: a bell for every queue in which something is due and no worker takes it. Ringing twice does no harm."""

from __future__ import annotations

from typing import Final

from campaigns.flow.scheduling.stream_room import TRIM_ENTRY
from campaigns.flow.scheduling.sweep import SWEEP_ENTRY
from campaigns.health.heartbeats import ticked
from campaigns.names import DUE_QUEUES
from campaigns.services import Services
from campaigns.store.calls import Calls

#: A bell counts as lost when no worker has taken anything for this time since it was rung.
UNANSWERED_MS: Final = 1_000


def dispatch(services: Services, beat: str = "") -> int:
    """Ring where something is due and no worker has answered for a second. Returns the number of bells.

    `beat` is the name of the beat whose tick this is.
    """
    ticked(services.store, beat)
    services.due.keep_in_control([SWEEP_ENTRY, TRIM_ENTRY], services.now_ms())
    calls = Calls()
    server = calls.add(services.turns.witness.check_call())
    rings = {queue: calls.add(services.turns.ring_call(queue, silence_ms=UNANSWERED_MS)) for queue in DUE_QUEUES}
    calls.run(services.store)
    services.turns.witness.checked(*server.value)
    return sum(services.ring(queue) for queue, to_ring in rings.items() if to_ring.value)


def ring(services: Services, queue: str) -> None:
    """Ring for a queue in which something has just become due, unless a bell or a turn is out. Raises StoreError."""
    if services.turns.ring(queue):
        services.ring(queue)
