"""Celery: results ignored, and many short tasks prefetched, as its guide to optimizing says."""

from __future__ import annotations

from collections.abc import Iterable

from celery import Celery

from tests.benchmarks.singles.peers.posting import REDIS_URL, post

app = Celery("tests.benchmarks.singles.peers.of_celery", broker=REDIS_URL)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=64, broker_connection_retry_on_startup=True)


@app.task(name="send")
def send(phone: str, text: str) -> None:
    post(phone, text)


def produce(messages: Iterable[tuple[str, str]]) -> None:
    """Enqueue one after the other."""
    for phone, text in messages:
        send.delay(phone, text)
