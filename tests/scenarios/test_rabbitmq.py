"""Campaigns over RabbitMQ, with classic and with quorum queues: whatever dies, everybody is messaged once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.names import QUEUES
from tests.rig.brokers import SCENES, play
from tests.support.rabbitmq import RabbitServer

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
