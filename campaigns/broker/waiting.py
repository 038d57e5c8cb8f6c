"""How many messages wait at the broker."""

from __future__ import annotations

from typing import Any, Final

from campaigns.broker import options as broker
from campaigns.settings import Settings, addresses

#: RabbitMQ's reply code for a queue that has not been declared yet.
_NOT_FOUND: Final = 404


def waiting_at_broker(settings: Settings, queue: str) -> int | None:
    """Messages in a queue that no worker has taken yet; None if the broker does not answer within some seconds."""
    try:
        with broker.connection(settings) as connection:
            channel: Any = connection.default_channel
            if not addresses.is_amqp(broker.url_of(settings)):
                # Not by `queue_declare`, which looks for a name without the prefix.
                return int(channel.client.llen(queue))
            return int(channel.queue_declare(queue, passive=True).message_count)
    except Exception as error:  # noqa: BLE001 (each kind of broker has its own, and their words may hold its password)
        return 0 if getattr(error, "code", None) == _NOT_FOUND else None
