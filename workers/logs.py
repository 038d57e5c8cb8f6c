"""Celery's logging in our form: every logger of its processes and their children writes lines of `campaigns.logs`."""

from __future__ import annotations

import logging
import os
from typing import Any, Final

from celery.app import log

from campaigns.logs import LineFormatter
from campaigns.names import WORK
from campaigns.settings import Settings

#: Logs only `TaskPool: Apply`, at DEBUG, with the content of a message.
_POOL: Final = "celery.pool"
#: Loggers that write a line at INFO for each task, and for each tick of beat.
_OF_TASKS: Final = frozenset({"celery.worker.strategy", "celery.app.trace"})
_OF_TICKS: Final = "celery.beat"


class Logging(log.Logging):
    """Named by the app as its `log_cls`, so that it also serves pools that start their children anew.

    A receiver of Celery's signal `setup_logging` replaces all of this, as in any Celery app.
    """

    def setup_logging_subsystem(self, *args: Any, **options: Any) -> Any:
        logging.getLogger(_POOL).setLevel(logging.INFO)
        receivers = super().setup_logging_subsystem(*args, **options)
        # With it billiard would give a new child a log format of its own, before this class is set up there.
        os.environ.pop("_MP_FORK_LOGLEVEL_", None)
        return receivers

    def setup_handlers(
        self,
        logger: logging.Logger,
        logfile: Any,
        format: str,  # noqa: A002 (Celery's name)
        colorize: bool,
        *args: Any,
        **options: Any,
    ) -> logging.Logger:
        before = list(logger.handlers)
        super().setup_handlers(logger, logfile, format, colorize, *args, **options)
        for handler in logger.handlers:
            if handler not in before:
                handler.setFormatter(LineFormatter(Settings.from_env(os.environ).log_format))
                handler.addFilter(hush)
        return logger


def hush(record: logging.LogRecord) -> bool:
    """Lower to DEBUG what comes every second: bells, and the ticks of beat. Returns whether to write the record."""
    if record.levelno != logging.INFO or not _comes_every_second(record):
        return True
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def _comes_every_second(record: logging.LogRecord) -> bool:
    if record.name in _OF_TASKS:
        data = getattr(record, "data", None)
        return isinstance(data, dict) and data.get("name") == WORK
    return record.name == _OF_TICKS and record.msg.startswith("Scheduler: Sending due task")
