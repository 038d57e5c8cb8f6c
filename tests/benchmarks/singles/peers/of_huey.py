"""huey: a task on `RedisHuey`, without results."""

from __future__ import annotations

from collections.abc import Iterable

from huey import RedisHuey

from tests.benchmarks.singles.peers.posting import REDIS_URL, post

huey = RedisHuey("peer", url=REDIS_URL, results=False)


@huey.task(name="send")
def send(phone: str, text: str) -> None:
    post(phone, text)


def produce(messages: Iterable[tuple[str, str]]) -> None:
    """Enqueue one after the other."""
    for phone, text in messages:
        send(phone, text)
