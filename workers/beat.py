"""Beat rings bells in its own process: a tick sent to a worker would wait behind the work that it is to start.

Celery's scheduler goes by the wall clock: if that is set back an hour, it does not tick for an hour. This one notices.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Any, Final

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule

from campaigns.errors import LayoutError, StoreError
from campaigns.flow.scheduling.dispatch import dispatch
from campaigns.health.signs import BEAT, LifeSign, folder_of
from campaigns.health.supervising import tell_watchdog
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.times.steady import boot_clock
from campaigns.wiring import INTERACTIVE, build_services, open_store
from workers.connecting import alive_while_connecting
from workers.pinging import Pinger

log = logging.getLogger(__name__)

#: A second beat does no harm, but the doctor reports it by this name.
_NAME = f"{socket.gethostname()}/{os.getpid()}"

#: How far this machine's clock may drift between two ticks.
_SET_S: Final = 0.5


class Ringer(Scheduler):
    """Beat's scheduler, which makes the tick itself. Named by the setting `beat_scheduler`."""

    _services: Services | None = None
    _pinger: Pinger | None = None
    _wall_ahead_s: float | None = None
    _sign: LifeSign | None = None
    _must_end = False

    def tick(self, *args: Any, **options: Any) -> Any:
        """Correct the times of the last runs if the clock was set since, then tick."""
        self._live()
        if self._must_end:
            raise SystemExit
        ahead_s = time.time() - boot_clock()
        if self._wall_ahead_s is not None and abs(ahead_s - self._wall_ahead_s) > _SET_S:
            self._clock_set(ahead_s - self._wall_ahead_s)
        self._wall_ahead_s = ahead_s
        return super().tick(*args, **options)

    def _live(self) -> LifeSign:
        # Not in the constructor: Celery makes a second scheduler only to print its description, and never ticks it.
        if self._sign is None:
            self._remember_signals()
            self._sign = LifeSign(folder_of(Settings.from_env(os.environ)), BEAT)
        self._sign.turned()
        tell_watchdog()
        return self._sign

    def _remember_signals(self) -> None:
        """Celery's handlers raise SystemExit, which Python drops if it runs a finalizer at that moment, such as that of
        redis-py's ConnectionPool: once in a hundred times. Then the next tick ends beat.
        """
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                handler = signal.getsignal(number)
                if callable(handler):
                    signal.signal(number, self._remembering(handler))

    def _remembering(self, handler: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], None]:
        def remember(number: int, frame: FrameType | None) -> None:
            self._must_end = True
            handler(number, frame)

        return remember

    def _ensure_connected(self) -> Any:
        with alive_while_connecting(self.connection, self._live()):
            return super()._ensure_connected()  # type: ignore[misc]  # celery-types leaves it out

    def close(self) -> None:
        super().close()
        if self._sign is not None:
            self._sign.remove()

    def _clock_set(self, by_s: float) -> None:
        log.warning("beat_clock_set", extra={"by_ms": round(by_s * 1000)})
        for entry in self.schedule.values():
            # Entries of a crontab follow the calendar.
            if isinstance(entry.schedule, schedule) and entry.last_run_at is not None:
                entry.last_run_at += timedelta(seconds=by_s)
        self._heap = None  # made anew by the next tick

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Ring where something is due; every other entry of the schedule is sent as Celery does."""
        if entry.name != TICK:
            return super().apply_async(entry, producer=producer, advance=advance, **options)
        if advance:
            self.reserve(entry)
        try:
            if self._services is None:
                settings = Settings.from_env(os.environ)
                self._services = build_services(settings, store=open_store(settings, INTERACTIVE))
                self._pinger = Pinger(settings.ping_url) if settings.ping_url else None
            self._services.store.keep_time()
            dispatch(self._services, _NAME)
            if self._pinger is not None:
                self._pinger.ping()
        except LayoutError as error:
            log.critical("store_layout_unknown", extra={"reason": str(error)})
            # Celery treats SystemExit as a normal end, and beat would exit with 0.
            self.close()
            logging.shutdown()
            os._exit(os.EX_CONFIG)
        except StoreError as error:
            log.warning("tick_failed", extra={"error": type(error).__name__, "reason": str(error)})
        return None


TICK = "tick"
