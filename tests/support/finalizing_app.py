"""The workers' app with a beat that spends its idle time in finalizers, where Python drops what a signal raises."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import Any

import celery.beat

from workers.app import app

#: Printed by a finalizer, and how long it lasts at least after that, so that a signal meets it.
IDLE = "idle in a finalizer"
_LEAST_S = 3.0


class Idle:
    """Sleeps when it is dropped."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __del__(self) -> None:
        sys.stderr.write(IDLE + "\n")
        sys.stderr.flush()
        time.sleep(max(self._seconds, _LEAST_S))


def sleep(seconds: float) -> None:
    Idle(seconds)


module: Any = celery.beat
module.time = SimpleNamespace(sleep=sleep, monotonic=time.monotonic, time=time.time)

__all__ = ["app"]
