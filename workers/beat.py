"""Beat rings bells by itself: a tick that had to wait for a worker would stand behind the work that it is to rouse."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from celery.beat import ScheduleEntry, Scheduler

from campaigns.errors import StoreError
from campaigns.flow.dispatch import dispatch
from campaigns.flow.services import Services
from campaigns.settings import Settings
from campaigns.wiring import BRIEF, build_services, open_store

log = logging.getLogger(__name__)

#: A second beat does no harm, but somebody may wonder: the doctor knows them by their names.
_NAME = f"{socket.gethostname()}/{os.getpid()}"


class Ringer(Scheduler):
    """Carries out the tick in this process. Named by the setting `beat_scheduler`."""

    _services: Services | None = None

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Ring where something is due; every other entry of the schedule is sent as Celery does."""
        if entry.name != TICK:
            return super().apply_async(entry, producer=producer, advance=advance, **options)
        if advance:
            self.reserve(entry)
        try:
            if self._services is None:
                settings = Settings.from_env(os.environ)
                self._services = build_services(settings, store=open_store(settings, BRIEF))
            dispatch(self._services, _NAME)
        except StoreError as error:
            log.warning("tick_failed", extra={"error": str(error)})
        return None


TICK = "tick"
