"""What is usually written: a Celery task that posts a batch, acknowledged late and retried by itself.

It follows Celery's own documentation on autoretry and on acks_late, with a visibility timeout short enough for
the broker to hand the work of a killed worker to another one within a run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import requests
from celery import Celery

from campaigns.sandbox.client import SandboxClient
from tests.support.processes import Process
from tests.support.settings import TOKEN

_VISIBILITY_S = 10
_QUIET_S = 20.0
_PATIENCE_S = 240.0

app = Celery("tests.rig.ordinary", broker=os.environ.get("ORDINARY_BROKER", "redis://127.0.0.1:1/0"))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": _VISIBILITY_S},
)


@app.task(autoretry_for=(Exception,), retry_backoff=True, retry_backoff_max=5, max_retries=20)
def send(text: str, phones: list[str]) -> None:
    """Post one batch."""
    answer = requests.post(
        os.environ["ORDINARY_GATEWAY"] + "/api/v1/sendBulkViber",
        json={
            "token": TOKEN,
            "messages": [
                {
                    "name": text,
                    "alphaname_id": "444",
                    "message_type": "bulk",
                    "content": {"type": "text", "text": text},
                    "delivery_list": phones,
                }
            ],
        },
        timeout=(5, 1),
    )
    answer.raise_for_status()
    if "uuid" not in answer.json():
        raise ValueError("refused")


class Ordinary:
    """Its workers and its queue."""

    def __init__(self, folder: Path, broker: str, gateway: str) -> None:
        self._env = {**os.environ, "ORDINARY_BROKER": broker, "ORDINARY_GATEWAY": gateway}
        self._folder = folder
        self._started: list[Process] = []
        self._broker = broker

    def worker(self) -> Process:
        command = [sys.executable, "-m", "celery", "--quiet", "--app", "tests.rig.ordinary", "worker"]
        worker = Process(
            "ordinary",
            [*command, "--concurrency", "2", "--loglevel", "INFO", "--without-mingle"],
            self._env,
            self._folder,
        )
        self._started.append(worker)
        worker.wait_for("ready.")
        return worker

    def enqueue(self, phones: Sequence[str], per_task: int) -> None:
        with app.connection_for_write(self._broker) as connection:
            for start in range(0, len(phones), per_task):
                send.apply_async(("ordinary text", list(phones[start : start + per_task])), connection=connection)

    def wait_until_quiet(self, sandbox: SandboxClient, supervise: Callable[[], None]) -> None:
        """Until nothing new was sent for a while, longer than a retry or the visibility timeout."""
        until, quiet_since, last = time.monotonic() + _PATIENCE_S, time.monotonic(), -1
        while time.monotonic() - quiet_since < _QUIET_S and time.monotonic() < until:
            messages = sandbox.summary()["messages"]
            if messages != last:
                quiet_since, last = time.monotonic(), messages
            time.sleep(0.5)
            supervise()

    def end(self) -> None:
        for process in self._started:
            process.stop()
