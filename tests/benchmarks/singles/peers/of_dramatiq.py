"""dramatiq: an actor and the Redis broker, as in its guide."""

from __future__ import annotations

from collections.abc import Iterable

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.benchmarks.singles.peers.posting import REDIS_URL, post

dramatiq.set_broker(RedisBroker(url=REDIS_URL))


@dramatiq.actor
def send(phone: str, text: str) -> None:
    post(phone, text)


def produce(messages: Iterable[tuple[str, str]]) -> None:
    """Enqueue one after the other."""
    for phone, text in messages:
        send.send(phone, text)
