"""huey: a task on `RedisHuey`, without results."""

from __future__ import annotations

from collections.abc import Iterable

from huey import RedisHuey
from redis import ConnectionPool

from tests.benchmarks.singles.peers.posting import REDIS_URL, post

#: redis-py opens a hundred connections by default, and a consumer takes one for each of its threads.
_CONNECTIONS = ConnectionPool.from_url(REDIS_URL, max_connections=1000)
huey = RedisHuey("peer", connection_pool=_CONNECTIONS, results=False)


@huey.task(name="send")
def send(phone: str, text: str) -> None:
    post(phone, text)


def produce(messages: Iterable[tuple[str, str]]) -> None:
    """Enqueue one after the other."""
    for phone, text in messages:
        send(phone, text)
