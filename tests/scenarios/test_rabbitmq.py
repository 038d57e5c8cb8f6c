"""Campaigns over RabbitMQ, with classic and with quorum queues: whatever dies, everybody is messaged once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.broker.options import connection, queues
from campaigns.broker.waiting import waiting_at_broker
from campaigns.names import QUEUES, SUBMISSIONS
from campaigns.settings import Settings
from tests.rig.brokers import SCENES, play
from tests.support.rabbitmq import RabbitServer
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(400)]


@pytest.fixture(scope="module", params=["classic", "quorum"])
def rabbit(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RabbitServer, str]]:
    folder: Path = tmp_path_factory.mktemp("rabbitmq")
    with RabbitServer(folder) as server:
        yield server, request.param


@pytest.mark.parametrize("scene", SCENES)
def test_everybody_once(rabbit: tuple[RabbitServer, str], scene: str) -> None:
    server, kind = rabbit
    took_s, wrong = play(f"{server.url}?queue_type={kind}", SCENES[scene])
    assert wrong == 0
    assert took_s < 120
    assert server.queues() == dict.fromkeys(QUEUES, kind)


def test_how_many_submissions_wait(rabbit: tuple[RabbitServer, str]) -> None:
    """Also in a queue that nobody has used, and while the server is away."""
    server, kind = rabbit
    settings = Settings(broker_url=f"{server.url}?queue_type={kind}")
    assert waiting_at_broker(settings, "unused") == 0
    (queue,) = (queue for queue in queues(settings) if queue.name == SUBMISSIONS)
    with connection(settings) as producer:
        bound = queue(producer.default_channel)
        bound.declare()
        bound.purge()
        for _ in range(3):
            producer.Producer().publish("{}", exchange="", routing_key=SUBMISSIONS)
    wait_until(lambda: waiting_at_broker(settings, SUBMISSIONS) == 3)
    assert waiting_at_broker(Settings(broker_url="amqp://guest:guest@127.0.0.1:1/"), SUBMISSIONS) is None
