"""Kombu's transports, made to survive any message.

Kombu parses the items of a Redis list in the worker's event loop. An item that is not JSON, or lacks properties, a
delivery tag or valid base64, raises there and ends the worker, and the next worker finds it again. If a client uses a
tag twice, kombu acknowledges two messages as one. A compressed message is unpacked without a bound. Here every item
becomes a message that kombu understands, and `workers.door` decides what happens to it.

Kombu counts a message against the prefetch limit until its acknowledgement is written. If that fails, because the
connection breaks or the server's disk is full, the place is lost for good, and a small worker has only two. Here the
place is free at once, and the acknowledgement is written later.
"""

from __future__ import annotations

import base64
import functools
import logging
import os
import uuid
from functools import cache
from typing import Any, Final

import orjson
from kombu.transport import pyamqp, virtual
from kombu.transport import redis as kombu_redis

from campaigns.broker import options as broker
from campaigns.broker.envelopes import envelope_of_item
from campaigns.settings import Settings

log = logging.getLogger(__name__)

#: Most acknowledgements that wait to be written. A message whose own is dropped comes again after 300 s.
_UNWRITTEN: Final = 1000
#: Headers that carry the findings of an envelope through kombu, and through a restored message.
PROBLEM, SIZE = "campaigns-problem", "campaigns-size"
#: Kombu unpacks a message that has this header as soon as it is built.
_COMPRESSION = "compression"


@cache
def most_bytes() -> int:
    """The largest body that is read, by this process's settings."""
    return Settings.from_env(os.environ).submission_bytes


def sound_item(item: bytes, queue: str, most: int) -> bytes:
    """Any item in a form that kombu can read, with a delivery tag of its own."""
    envelope = envelope_of_item(item, queue, most)
    headers = dict(envelope.headers)
    if envelope.problem:
        headers |= {PROBLEM: envelope.problem, SIZE: envelope.size}
    if _COMPRESSION in headers:
        headers[f"campaigns-{_COMPRESSION}"] = headers.pop(_COMPRESSION)
    message = {
        "body": base64.b64encode(envelope.body).decode(),
        "content-type": envelope.content_type,
        "content-encoding": envelope.content_encoding,
        "headers": headers,
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
        },
    }
    return orjson.dumps(message)


class _SoundClient(kombu_redis.PrefixedStrictRedis):
    """A client that gives kombu only items that it can read."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        answer = super().parse_response(connection, command_name, **options)
        if command_name == "BRPOP" and answer:
            key, item = answer
            name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
            queue = name.split(kombu_redis.Channel.sep)[0]
            return key, sound_item(item if isinstance(item, bytes) else item.encode(), queue, most_bytes())
        return answer


class _SoundQoS(kombu_redis.QoS):
    """Loses neither a place nor a message when the server cannot be written to."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unwritten: list[str] = []

    def append(self, message: Any, delivery_tag: str) -> None:
        """A message that was taken and not noted is carried out here, though no other worker could be given it."""
        try:
            super().append(message, delivery_tag)
        except Exception as error:  # noqa: BLE001 (whatever the server says, the message must not be dropped)
            log.warning("message_not_noted", extra={"error": type(error).__name__})
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        unwritten = [*self._unwritten, delivery_tag]
        try:
            with self.pipe_or_acquire() as pipe:
                for tag in unwritten:
                    pipe.zrem(self.unacked_index_key, tag).hdel(self.unacked_key, tag)
                pipe.execute()
            del self._unwritten[: len(unwritten) - 1]
        except Exception as error:  # noqa: BLE001 (whatever the server says, the message is done with)
            log.warning("acknowledgement_not_written", extra={"error": type(error).__name__})
            self._unwritten = unwritten[-_UNWRITTEN:]
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put aside it is acknowledged. What could not be given back to its queue comes again by itself."""
        if not requeue:
            self.ack(delivery_tag)
            return
        try:
            super().reject(delivery_tag, requeue=True)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


class _SoundChannel(broker.RedisChannel):
    QoS = _SoundQoS

    def _get_client(self) -> Any:
        return functools.partial(_SoundClient, global_keyprefix=self.global_keyprefix)


class RedisTransport(broker.RedisTransport):
    Channel = _SoundChannel


class _SoundMessage(pyamqp.Message):
    def __init__(self, msg: Any, channel: Any = None, **options: Any) -> None:
        headers = msg.properties.get("application_headers")
        if isinstance(headers, dict) and _COMPRESSION in headers:
            headers[f"campaigns-{_COMPRESSION}"] = headers.pop(_COMPRESSION)
        super().__init__(msg, channel=channel, **options)


class _SoundAmqpChannel(pyamqp.Channel):
    Message = _SoundMessage


class _SoundAmqpConnection(broker.AmqpConnection):
    Channel = _SoundAmqpChannel


class AmqpTransport(broker.AmqpTransport):
    Connection = _SoundAmqpConnection


#: What a worker uses in the place of the transports that producers send by.
OF_WORKERS: Final = {
    "campaigns.broker.options:RedisTransport": "workers.transport:RedisTransport",
    "campaigns.broker.options:AmqpTransport": "workers.transport:AmqpTransport",
}
