"""The Celery app. Its settings are in `celeryconfig.py`, at the top of the project.

In the wheel that file lies inside this package: a module called `celeryconfig` among the installed ones
would be picked up by other people's Celery apps.
"""

from __future__ import annotations

from importlib.util import find_spec

from celery import Celery

from workers.heartbeats import Heartbeats

app = Celery("campaigns")
app.config_from_object("workers.celeryconfig" if find_spec("workers.celeryconfig") else "celeryconfig")
app.steps["consumer"].add(Heartbeats)
