"""The workers' app with a beat that spends its idle time in finalizers, where Python drops what a signal raises."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import celery.beat

from workers.app import app


class Idle:
    """Sleeps when it is dropped."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __del__(self) -> None:
        time.sleep(self._seconds)


def sleep(seconds: float) -> None:
    Idle(seconds)


module: Any = celery.beat
module.time = SimpleNamespace(sleep=sleep, monotonic=time.monotonic, time=time.time)

__all__ = ["app"]
