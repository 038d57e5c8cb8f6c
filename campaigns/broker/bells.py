"""Bells: Celery messages that make a worker take what is due of a queue. They carry its name, nothing else.

They are written by kombu alone, without a Celery app. An app of ours in another application's process would obey the
host's variables (`CELERY_BROKER_URL`, `CELERY_LOADER`, `DJANGO_SETTINGS_MODULE`) and change what belongs to the host:
the limit of kombu's shared pools, `sys.path`, receivers of Celery's signals.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from kombu import Connection, Queue

from campaigns.broker import options as broker
from campaigns.names import WORK
from campaigns.settings import Settings

log = logging.getLogger(__name__)

#: Connections of one process. A thread that finds them all in use waits for one.
_CONNECTIONS: Final = 10


class Bells:
    """Sends wake-ups. Safe across threads and forks: every process has its own connections."""

    def __init__(self, settings: Settings) -> None:
        # An address that cannot be used raises now, before anything is stored.
        self._connection = broker.connection(settings)
        self._queues = {queue.name: queue for queue in broker.queues(settings)}
        self._lock = threading.Lock()
        self._pool: Any = None
        self._pid = 0

    def __call__(self, queue: str) -> bool:
        """Ring one bell. False if it did not go out, whatever the reason: what is due is found by its time."""
        try:
            self._send(WORK, [queue], self._queues[queue])
        except Exception as error:  # noqa: BLE001 (each kind of broker has its own; the campaign is stored, whatever it is)
            log.warning("wake_up_not_sent", extra={"queue": queue, "error": type(error).__name__})
            return False
        return True

    def close(self) -> None:
        """Close this process's connections. The next wake-up opens one again."""
        with self._lock:
            pool, self._pool = self._pool, None
            if pool is not None and self._pid == os.getpid():
                pool.force_close_all()

    def _send(self, task: str, args: Sequence[str], queue: Queue) -> None:
        body, headers, properties = message(task, args)
        connection = self._own_pool().acquire(block=True, timeout=broker.BRIEF_S)
        was_open = connection.connected
        try:
            with connection:
                _publish(connection, queue, body, headers, properties)
        except Exception:
            if not was_open:
                raise
            # The broker may have been started anew since: what failed was an old connection, so a new one may do.
            with self._own_pool().acquire(block=True, timeout=broker.BRIEF_S) as renewed:
                _publish(renewed, queue, body, headers, properties)

    def _own_pool(self) -> Any:
        with self._lock:
            if self._pool is None or self._pid != os.getpid():
                self._pool, self._pid = self._connection.Pool(limit=_CONNECTIONS), os.getpid()
            return self._pool


def message(task: str, args: Sequence[str]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Body, headers and properties of a message of Celery's protocol 2."""
    task_id = str(uuid4())
    headers = {
        "lang": "py",
        "task": task,
        "id": task_id,
        "shadow": None,
        "eta": None,
        # By a worker's clock, which may be off. A bell that comes late finds what is due, or nothing.
        "expires": None,
        "group": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": task_id,
        "parent_id": None,
        "argsrepr": repr(list(args)),
        "kwargsrepr": "{}",
        "origin": f"{os.getpid()}@{socket.gethostname()}",
        "ignore_result": True,
    }
    embedded = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return json.dumps([list(args), {}, embedded]), headers, {"correlation_id": task_id, "reply_to": ""}


def _publish(
    connection: Connection, queue: Queue, body: str, headers: dict[str, Any], properties: dict[str, Any]
) -> None:
    connection.Producer().publish(
        body,
        exchange="",
        routing_key=queue.name,
        declare=[queue],
        content_type="application/json",
        content_encoding="utf-8",
        headers=headers,
        timeout=broker.BRIEF_S,
        confirm_timeout=broker.BRIEF_S,
        **properties,
    )


def broker_problem(settings: Settings) -> str:
    """Why the broker cannot be used, or ''. Takes some seconds if the broker does not answer."""
    try:
        with broker.connection(settings) as connection:
            _ = connection.default_channel
    except Exception as error:  # noqa: BLE001 (each kind of broker has its own, and their words may hold its password)
        return type(error).__name__
    return ""
