"""Celery's settings, and why each is there. Celery only starts work; the state of everything is in the ledger."""

from __future__ import annotations

import os
import sys

# With `--pool gevent`, gevent searches every object for locks while it patches `threading`. One of them is Celery's
# `log`; touching it makes Celery's default app, which imports a module of this name in the middle of the patching.
# Modules imported now would keep the `ssl` and `threading.local` that gevent is about to replace. Our own app imports
# this file later.
_gevent = sys.modules.get("gevent.monkey")
if _gevent is not None and _gevent.is_module_patched("threading") and not _gevent.is_module_patched("ssl"):
    raise ImportError("gevent has patched threading, and not ssl yet: nothing may be imported in between")

from campaigns import names  # noqa: E402 (not before gevent is ready)
from campaigns.broker import options as broker  # noqa: E402 (not before gevent is ready)
from campaigns.settings import Settings  # noqa: E402
from workers.transport import OF_WORKERS  # noqa: E402

_settings = Settings.from_env(os.environ)

# One source for the broker's address, for producers and workers alike. The app does not ask Celery's own variables.
globals().update(broker.celery_settings(_settings))
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a worker outlives any outage of its broker
worker_cancel_long_running_tasks_on_connection_loss = False  # a request on the wire is never torn apart

# Queues: one per failure domain, and none that a typing error could create.
task_queues = broker.queues(_settings)
task_create_missing_queues = False
task_default_queue = names.CONTROL
task_routes = {task: {"queue": queues[0]} for task, queues in names.TASK_QUEUES.items()}
imports = ("workers.tasks",)

# Any language sends jobs here, so nothing that arrives is trusted, least of all by the worker's main process.
worker_consumer = "workers.door:Consumer"
broker_transport = OF_WORKERS[broker.celery_settings(_settings)["broker_transport"]]

# JSON only: nothing that arrives can run code, and any language can write it.
task_serializer = "json"
accept_content = ["json"]

# A wake-up is acknowledged when its work is done. One that is delivered twice finds that work done.
task_acks_late = True
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1  # what one worker holds, another cannot take
task_ignore_result = True  # results are in Redis, where every consumer can read them

# Longer than one HTTP call, so that a rolling restart leaves no request in doubt.
worker_soft_shutdown_timeout = _settings.deadline_s + 10
worker_enable_soft_shutdown_on_idle = False
worker_hijack_root_logger = True
worker_redirect_stdouts = False
worker_send_task_events = False
worker_enable_remote_control = False
enable_utc = True

# Beat keeps nothing on disk: what is due is in the ledger. Its tick sends no message: it rings where something is due.
beat_scheduler = "workers.beat:Ringer"
beat_max_loop_interval = 1
beat_schedule = {"tick": {"task": names.WORK, "schedule": 1.0}}
