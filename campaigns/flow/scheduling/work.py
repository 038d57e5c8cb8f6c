"""Work: what a worker does with what is due in each queue when a bell rings."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from campaigns.flow.scheduling.control import control_taken
from campaigns.flow.scheduling.dispatch import dispatch
from campaigns.flow.scheduling.reads import read_taken
from campaigns.flow.sending.send import give_back, send_taken
from campaigns.flow.turn import PATIENCE_S, WorkerTurn
from campaigns.names import BULK, CONTROL, POLL, QUICK, REPLIES
from campaigns.services import Services

#: Entries that one call takes from the control queue, whose work asks the gateway nothing.
_CONTROL_ENTRIES: Final = 100
_ACTS: Final[dict[str, Callable[..., Any]]] = {
    QUICK: send_taken,
    BULK: send_taken,
    POLL: read_taken,
    REPLIES: read_taken,
    CONTROL: control_taken,
}


def work(
    services: Services,
    queue: str,
    *,
    worker: str = "-",
    overlap: int | None = None,
    patience_s: float = PATIENCE_S,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Do what is due in `queue`, for about two seconds. Returns how many things were done.

    `worker` names the process; `overlap` is how many requests it may have under way (by default as the setting says);
    `patience_s` is how long it waits for an account that can act soon.
    """
    overlap = overlap or services.settings.overlap
    act = partial(_ACTS[queue], services)
    most = _CONTROL_ENTRIES if queue == CONTROL else None
    return WorkerTurn(
        services,
        queue,
        act,
        worker=worker,
        overlap=1 if queue == CONTROL else overlap,
        most=most,
        give_back=partial(give_back, services) if queue in {QUICK, BULK} else None,
        patience_s=patience_s,
        monotonic=monotonic,
    ).run()


def work_through(services: Services) -> int:
    """Do everything that is due now, in this thread, as beat and one worker of all queues would.

    Returns how many things were done.
    """
    dispatch(services)
    return sum(work(services, queue, overlap=1, patience_s=0) for queue in (CONTROL, QUICK, BULK, POLL, REPLIES))
