"""The Celery app of the workers, and beat's schedule: `celery --app workers worker`."""

from __future__ import annotations

from workers.app import app

__all__ = ["app"]
