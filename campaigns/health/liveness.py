"""Liveness is progress: a loop that turns, and work that is done once it is due. A process without it is restarted.

An outage of the store or of the broker does not count: a restart would not end it sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from campaigns.health.heartbeats import ticking_since_ms
from campaigns.health.signs import BEAT, CALLBACKS, Sign
from campaigns.ledger import Due
from campaigns.names import DUE_QUEUES
from campaigns.store.client import Store
from campaigns.text.wording import counted


class Limits(NamedTuple):
    """Seconds after which a process counts as dead.

    `loop_s`: its loop stands still; `broker_s`: the same while it connects to its broker; `work_s`: work is due, and no
    task has ended.
    """

    loop_s: float = 60.0
    broker_s: float = 600.0
    work_s: float = 120.0


class Overdue(NamedTuple):
    """Work that no worker takes although beat rings for it: its queue, and for how many seconds it has been due."""

    queue: str
    for_s: float


def overdue(store: Store, queues: Sequence[str], longer_than_s: float) -> Overdue | None:
    """The first of `queues` whose work has been due longer than that while beat rang. Raises StoreError.

    None without a beat: then no bell rings, and the workers are not at fault.
    """
    now_ms, least_ms = store.now_ms(), longer_than_s * 1000
    ticking_ms = ticking_since_ms(store)
    if ticking_ms is None or now_ms - ticking_ms < least_ms:
        return None
    due = Due(store)
    for queue in (queue for queue in DUE_QUEUES if queue in queues):
        since_ms = due.late_since_ms(queue, now_ms)
        if since_ms is not None and now_ms - since_ms > least_ms:
            return Overdue(queue, (now_ms - since_ms) / 1000)
    return None


def stands_still(sign: Sign, now_s: float, limits: Limits) -> str | None:
    """Why the loop of a process does not live, or None if it turns. `now_s`: of `time.monotonic`."""
    still_s = now_s - sign.turned_s
    if sign.connected and still_s > limits.loop_s:
        return f"its loop has not turned for {_seconds(still_s)}"
    if not sign.connected and still_s > limits.broker_s:
        return f"one try to reach its broker has lasted for {_seconds(still_s)}"
    return None


def may_be_stuck(sign: Sign, now_s: float, limits: Limits) -> bool:
    """Whether to ask the store what is overdue: it is connected to its broker, and no task has ended for `work_s`."""
    return sign.connected and now_s - sign.progressed_s > limits.work_s


def stuck_words(sign: Sign, now_s: float, late: Overdue) -> str:
    """Why a worker counts as dead although its loop turns."""
    idle = _seconds(now_s - sign.progressed_s)
    return f"work of the queue {late.queue} is due for {_seconds(late.for_s)}, and no task has ended for {idle}"


def name_of(sign: Sign) -> str:
    """What a process is called: `worker of bulk (process 12)`."""
    role = {BEAT: "beat", CALLBACKS: "receiver of callbacks"}.get(sign.role, f"worker of {', '.join(sign.queues)}")
    return f"{role} (process {sign.process})"


def _seconds(seconds: float) -> str:
    return counted(round(seconds), "second")
