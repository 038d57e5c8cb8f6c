"""How long work was due that no worker took, while a storm went on."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType

from campaigns.errors import CampaignsError
from campaigns.names import DUE_QUEUES
from campaigns.services import Services

_EVERY_S = 0.5


class Idle:
    """Checks twice a second, in a thread, while its block lasts. `longest_s` is the worst of all queues."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self.longest_s = 0.0

    def __enter__(self) -> Idle:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._ended.wait(_EVERY_S):
            for queue in DUE_QUEUES:
                # While the server is away no worker can take anything.
                with contextlib.suppress(CampaignsError):
                    self._look(queue)

    def _look(self, queue: str) -> None:
        now_ms = self._services.now_ms()
        _, since_ms = self._services.due.depth(queue, now_ms)
        if since_ms is not None:
            self.longest_s = max(self.longest_s, (now_ms - since_ms) / 1000)
