"""A worker's transport, while its server cannot be written to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kombu import Connection, Consumer, Producer, Queue

from campaigns.broker import options as broker
from campaigns.settings import Settings
from campaigns.store.client import Store
from workers.transport import OF_WORKERS

_PLACES = 2


class Worker:
    """What a worker does with messages: takes up to as many as it has places."""

    def __init__(self, connection: Connection, queue: Queue) -> None:
        self.channel = connection.channel()
        self.taken: list[Any] = []
        self._connection = connection
        self._queue = queue
        consumer = Consumer(self.channel, [queue], callbacks=[lambda _, message: self.taken.append(message)])
        consumer.qos(prefetch_count=_PLACES)
        consumer.consume()

    def publish(self, number: int) -> None:
        for n in range(number):
            Producer(self._connection).publish({"n": n}, routing_key=self._queue.name, declare=[self._queue])

    def take(self, number: int) -> list[Any]:
        while len(self.taken) < number:
            self._connection.drain_events(timeout=5)
        taken, self.taken = self.taken, []
        return taken


@pytest.fixture
def worker(settings: Settings) -> Iterator[Worker]:
    found = broker.celery_settings(settings)
    transport, options = OF_WORKERS[found["broker_transport"]], found["broker_transport_options"]
    with Connection(found["broker_url"], transport=transport, transport_options=options) as connection:
        yield Worker(connection, Queue("quick", routing_key="quick"))


@contextmanager
def refused_writes(store: Store) -> Iterator[None]:
    """The server answers each write with an error, as one does whose disk is full."""
    store.redis.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        store.redis.config_set("min-replicas-to-write", 0)


def unacknowledged(store: Store, settings: Settings) -> int:
    return int(store.redis.hlen(f"{settings.key_prefix}celery:unacked"))


def test_a_place_is_free_though_its_acknowledgement_could_not_be_written(
    worker: Worker, store: Store, settings: Settings
) -> None:
    worker.publish(2 * _PLACES)
    first = worker.take(_PLACES)
    with refused_writes(store):
        for message in first:
            message.ack()
    for message in worker.take(_PLACES):
        message.ack()
    assert unacknowledged(store, settings) == 0


def test_a_place_is_free_though_its_message_could_not_be_given_back(worker: Worker, store: Store) -> None:
    worker.publish(2 * _PLACES)
    first = worker.take(_PLACES)
    with refused_writes(store):
        for message in first:
            with pytest.raises(Exception, match="NOREPLICAS"):
                message.requeue()
    assert len(worker.take(_PLACES)) == _PLACES


def test_a_message_that_could_not_be_noted_is_handed_on(worker: Worker, store: Store, settings: Settings) -> None:
    with worker.channel.conn_or_acquire() as client:
        client.set("unacked", "not a hash")
    worker.publish(_PLACES)
    for message in worker.take(_PLACES):
        message.ack()
    store.redis.delete(f"{settings.key_prefix}celery:unacked")
    worker.publish(_PLACES)
    for message in worker.take(_PLACES):
        message.ack()
    assert unacknowledged(store, settings) == 0
