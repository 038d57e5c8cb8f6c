"""Celery's logging in our shape: every logger of its processes, children included, writes lines of `campaigns.logs`."""

from __future__ import annotations

import logging
import os
from typing import Any, Final

from celery.app import log

from campaigns.logs import LineFormatter
from campaigns.names import WORK
from campaigns.settings import Settings

#: Says with `TaskPool: Apply` at DEBUG what a message holds, and nothing else.
_POOL: Final = "celery.pool"
#: What Celery says at INFO of each task, and beat of each tick.
_OF_TASKS: Final = frozenset({"celery.worker.strategy", "celery.app.trace"})
_OF_TICKS: Final = "celery.beat"


class Logging(log.Logging):
    """Named by the app as its `log_cls`, so that it also serves pools that start their children anew.

    Who connects to Celery's signal `setup_logging` configures everything alone, as in any Celery app.
    """

    def setup_logging_subsystem(self, *args: Any, **options: Any) -> Any:
        logging.getLogger(_POOL).setLevel(logging.INFO)
        receivers = super().setup_logging_subsystem(*args, **options)
        # By it billiard would give a child that starts anew lines of its own, before this class is at work there.
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
    """Move to DEBUG what comes every second: bells, and the ticks of beat. Whether the record is to be written."""
    if record.levelno != logging.INFO or not _comes_every_second(record):
        return True
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def _comes_every_second(record: logging.LogRecord) -> bool:
    if record.name in _OF_TASKS:
        data = getattr(record, "data", None)
        return isinstance(data, dict) and data.get("name") == WORK
    return record.name == _OF_TICKS and record.msg.startswith("Scheduler: Sending due task")
