"""The Celery app. Its settings are in `celeryconfig.py`, at the top of the project.

In the wheel that file lies inside this package: a module called `celeryconfig` among the installed ones
would be picked up by other people's Celery apps.
"""

from __future__ import annotations

import gc
from importlib.util import find_spec
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_init
from kombu import Connection

from workers.heartbeats import Heartbeats


class App(Celery):
    """A Celery app that follows our settings alone.

    The variables of another Celery project on the same machine would silently override any configuration:
    `CELERY_BROKER_URL`, `CELERY_BROKER_READ_URL` and `CELERY_BROKER_WRITE_URL` (and with them `celery --broker`),
    `CELERY_RESULT_BACKEND`, `CELERY_LOADER`, and `DJANGO_SETTINGS_MODULE`, for which Celery would load Django.
    """

    backend_cls = "disabled"
    log_cls = "workers.logs:Logging"

    def connection_for_read(self, url: Any = None, **options: Any) -> Connection:
        return super().connection_for_read(url or self.conf["broker_url"], **options)

    def connection_for_write(self, url: Any = None, **options: Any) -> Connection:
        return super().connection_for_write(url or self.conf["broker_url"], **options)

    def connection(self, hostname: Any = None, **options: Any) -> Connection:  # type: ignore[override]
        return super().connection(hostname or self.conf["broker_url"], **options)


app = App("campaigns", loader="celery.loaders.app:AppLoader", fixups=[])
app.config_from_object("workers.celeryconfig" if find_spec("workers.celeryconfig") else "celeryconfig")
app.steps["consumer"].add(Heartbeats)


@worker_init.connect
def leave_modules_alone(**_: Any) -> None:
    """Exempt imported modules from garbage collection, since they live as long as the process.

    Searching them takes a tenth of the time of an answer of a thousand rows, and writes to pages that forked children
    share: up to 15 MB a child.
    """
    gc.collect()
    gc.freeze()


@celeryd_init.connect
def log_from_the_start(sender: str, instance: Any, options: dict[str, Any], **_: Any) -> None:
    """Set logging up before anything else, so that Celery's first warnings are lines like any other."""
    instance.app.log.setup(options.get("loglevel"), options.get("logfile"), hostname=sender)
