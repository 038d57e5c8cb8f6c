"""Slices: one wake-up goes on with what is due in its queue, since a wake-up costs far more than an entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from campaigns.flow.services import Services

SLICE_S: Final = 5.0
#: An entry taken by a worker that dies over it is due again after so long.
AGAIN_MS: Final = 30_000


def while_due(
    services: Services,
    queue: str,
    verb: str,
    batch_id: str,
    act: Callable[[str], bool],
    monotonic: Callable[[], float],
) -> int:
    """`act` on the batch that the wake-up names, then on others that are due, until it says no or the slice is over.

    Returns how many.
    """
    until, done = monotonic() + SLICE_S, 0
    while act(batch_id):
        done += 1
        if monotonic() >= until:
            break
        entries = services.due.take(queue, 1, AGAIN_MS, verb)
        if not entries:
            break
        batch_id = entries[0].batch_id
    return done
