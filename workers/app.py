"""The Celery app. Its settings are in `celeryconfig`."""

from __future__ import annotations

from celery import Celery

import celeryconfig

app = Celery("campaigns")
app.config_from_object(celeryconfig)
