"""Reading all samples, once for all requests within a few seconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from campaigns.errors import StoreError
from campaigns.metrics.counted import counted
from campaigns.metrics.described import READING, UP, Sample
from campaigns.metrics.seen import accounts_with_numbers, numbers_of, of_accounts, of_queues
from campaigns.metrics.server import of_broker, of_events, of_server
from campaigns.settings import Settings
from campaigns.store.client import Store

log = logging.getLogger(__name__)

#: How long the same samples are served.
FRESH_S: Final = 5.0


def read(store: Store, settings: Settings, wall_s: Callable[[], float] = time.time) -> list[Sample]:
    """Every sample of this moment. `wall_s`: this machine's clock, unix seconds. Raises StoreError."""
    now_ms, accounts = store.now_ms(), accounts_with_numbers(store)
    named = [account for account in accounts if account]
    return [
        *of_queues(store, settings, now_ms),
        *of_accounts(store, settings, named, now_ms),
        *of_events(store, settings, now_ms),
        *of_server(store, wall_s),
        *of_broker(settings),
        *counted(numbers_of(store, accounts), settings.message_cost),
    ]


class Reader:
    """Samples that are at most `fresh_s` old. Safe across threads; only one of them reads."""

    def __init__(
        self,
        read: Callable[[], list[Sample]],
        *,
        fresh_s: float = FRESH_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._fresh_s = fresh_s
        self._monotonic = monotonic
        self._lock = Lock()
        self._samples: list[Sample] = []
        self._until_s = float("-inf")

    def samples(self) -> list[Sample]:
        """All samples; if the store does not answer, nothing but that."""
        with self._lock:
            if self._monotonic() >= self._until_s:
                self._samples = self._anew()
                self._until_s = self._monotonic() + self._fresh_s
            return self._samples

    def _anew(self) -> list[Sample]:
        began_s = self._monotonic()
        try:
            samples = self._read()
        except StoreError as error:
            log.warning("metrics_not_read", extra={"reason": str(error)})
            return [Sample(UP, (), 0)]
        return [Sample(UP, (), 1), Sample(READING, (), self._monotonic() - began_s), *samples]
