"""Every worker reports which queues it consumes, so that `campaigns doctor` can name those without a worker.

It also leaves a sign of life on its machine, for `campaigns alive`, and signals systemd's watchdog.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from typing import Any

from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.signals import task_postrun
from celery.worker import state
from celery.worker.consumer.tasks import Tasks

from campaigns.errors import LayoutError, StoreError
from campaigns.health.heartbeats import EVERY_S, consuming
from campaigns.health.liveness import Limits, overdue
from campaigns.health.signs import WORKER, LifeSign, folder_of
from campaigns.health.supervising import tell_watchdog
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.wiring import INTERACTIVE, open_store
from workers.stuck import Stuck

log = logging.getLogger(__name__)

#: The consumer's own loop reports, so a worker without its broker does not. The loop must not be held up for long.
_PATIENCE = INTERACTIVE._replace(connect_s=1, answer_s=1, tries=0)
_LIMITS = Limits()


class Heartbeats(bootsteps.StartStopStep):
    """Lives as long as the worker's connection to the broker."""

    requires = (Tasks,)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None
        self._store: Store | None = None
        self._tokens: Collection[str] = ()
        self._stuck = Stuck()
        # Before the pool starts: its processes share the sign, and note in it that a task has ended.
        self._sign = consumer.sign = LifeSign(
            folder_of(Settings.from_env(os.environ)), WORKER, list(consumer.app.amqp.queues.consume_from)
        )
        task_postrun.connect(self._task_ended)

    def start(self, consumer: Any) -> None:
        self._sign.progressed()
        self._sign.turned()
        self._leave(consumer)
        self._timer = consumer.timer.call_repeatedly(EVERY_S, self._leave, (consumer,))

    def stop(self, _consumer: Any) -> None:
        self._sign.turned(connected=False)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def shutdown(self, _consumer: Any) -> None:
        self._sign.remove()

    def _task_ended(self, **_: Any) -> None:
        self._sign.progressed()

    def _leave(self, consumer: Any) -> None:
        # Timers may run in a thread or a greenlet of their own, so the loop itself must note that it turns.
        consumer.call_soon(self._sign.turned)
        self._stuck.end(list(state.active_requests))
        try:
            if self._store is None:
                settings = Settings.from_env(os.environ)
                self._store = open_store(settings, _PATIENCE)
                # Other workers ask who has a token only where they divide the tokens.
                self._tokens = settings.accounts if settings.other_accounts else ()
            self._store.keep_time()
            queues = [queue.name for queue in consumer.task_consumer.queues]
            slots = int(consumer.pool.num_processes or 1)
            consuming(self._store, queues, worker=consumer.hostname, slots=slots, tokens=self._tokens)
            if self._sign.idle_s() <= _LIMITS.work_s or overdue(self._store, queues, _LIMITS.work_s) is None:
                tell_watchdog()
        except LayoutError as error:
            log.critical("store_layout_unknown", extra={"worker": consumer.hostname, "reason": str(error)})
            raise WorkerShutdown(os.EX_CONFIG) from None
        except StoreError as error:
            # Without the store no worker can work.
            self._sign.progressed()
            tell_watchdog()
            log.warning(
                "heartbeat_not_left",
                extra={"worker": consumer.hostname, "error": type(error).__name__, "reason": str(error)},
            )
