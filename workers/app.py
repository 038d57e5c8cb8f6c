"""The Celery app. Its settings are in `celeryconfig.py`, at the top of the project.

In the wheel that file lies inside this package: a module called `celeryconfig` among the installed ones
would be picked up by other people's Celery apps.
"""

from __future__ import annotations

import gc
from importlib.util import find_spec
from typing import Any

from celery import Celery
from celery.signals import worker_init

from workers.heartbeats import Heartbeats

app = Celery("campaigns")
app.config_from_object("workers.celeryconfig" if find_spec("workers.celeryconfig") else "celeryconfig")
app.steps["consumer"].add(Heartbeats)


@worker_init.connect
def leave_modules_alone(**_: Any) -> None:
    """Take what was imported out of garbage collection: it never becomes garbage.

    Searching it takes a tenth of the time of an answer of a thousand rows, and writes to pages that forked
    children share: up to 15 MB a child.
    """
    gc.collect()
    gc.freeze()
