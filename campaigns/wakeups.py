"""Wake-ups: Celery messages that carry ids, never truth. Also the broker's settings, for both ends of it.

Producers run inside other people's programs, so their Celery app is private: it is not the current app,
configures no logging and reads no configuration but ours.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from campaigns.errors import SettingsError
from campaigns.names import QUEUES
from campaigns.settings import Settings, variable_of

log = logging.getLogger(__name__)

#: A wake-up that nobody took for so long is stale: its entry has been due again since.
EXPIRES_S: Final = 120.0


def broker_url(settings: Settings) -> str:
    """The one source of the broker's address.

    Celery lets the environment's CELERY_BROKER_URL beat every configuration without a word, so a
    different one is refused. Raises SettingsError.
    """
    url = settings.broker_url or settings.redis_url
    other = os.environ.get("CELERY_BROKER_URL")
    if other and other != url:
        raise SettingsError({"CELERY_BROKER_URL": f"set {variable_of('broker_url')} instead, and only that"})
    if url.startswith("unix://"):
        return url.replace("unix://", "redis+socket://", 1)
    return url


def transport_options(settings: Settings) -> dict[str, Any]:
    """How producers and workers talk to the broker; both must agree on the prefix.

    Without a socket timeout a half-open connection stops a worker for good, without a sound.
    """
    if not broker_url(settings).startswith(("redis", "rediss", "sentinel")):
        return {"confirm_publish": True}
    return {
        "global_keyprefix": f"{settings.key_prefix}celery:",
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
    }


def queues() -> list[Queue]:
    """The queues of `names`, declared alike on both sides."""
    return [Queue(name, routing_key=name) for name in QUEUES]


#: A wake-up is worth no more waiting: it may be lost, and somebody waits for `enqueue`.
_BRIEF: Final = {"socket_timeout": 2, "socket_connect_timeout": 2}


class WakeUps:
    """Sends wake-ups. Safe across forks: every process has its own connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: Celery | None = None
        self._pid = 0

    def __call__(self, task: str, args: Sequence[str], queue: str) -> bool:
        """Send one wake-up. False if the broker could not be reached: what is due is found by its time."""
        try:
            self._own_app().send_task(
                task, args=list(args), queue=queue, retry=False, expires=EXPIRES_S, ignore_result=True
            )
        except (OperationalError, OSError) as error:
            log.warning("wake_up_not_sent", extra={"task": task, "error": type(error).__name__})
            return False
        return True

    def _own_app(self) -> Celery:
        if self._app is None or self._pid != os.getpid():
            self._app, self._pid = private_app(self._settings), os.getpid()
        return self._app


def broker_address(settings: Settings) -> str:
    """Where the broker is, without its password."""
    url = urlsplit(broker_url(settings))
    return f"{url.hostname or ''}{f':{url.port}' if url.port else ''}" or url.path


def broker_problem(settings: Settings) -> str:
    """Why the broker cannot be used, or ''. Raises SettingsError. Takes some seconds if nobody answers."""
    try:
        with private_app(settings).connection_for_write() as connection:
            connection.connect()
            connection.channel()
    except Exception as error:  # noqa: BLE001 (each kind of broker has its own, and their words may hold its password)
        return type(error).__name__
    return ""


def private_app(settings: Settings) -> Celery:
    """A Celery app that only sends, and that its host program does not notice."""
    app = Celery("campaigns-producer", set_as_current=False)
    app.conf.update(
        broker_url=broker_url(settings),
        broker_transport_options={**transport_options(settings), **_BRIEF},
        broker_connection_timeout=2,
        broker_connection_retry=False,
        broker_connection_max_retries=0,
        task_queues=queues(),
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
    )
    return app
