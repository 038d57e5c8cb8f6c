"""Kombu's transports, made to survive any message.

Kombu parses what lies in a Redis list inside the worker's event loop: what is no JSON, or lacks properties, a
delivery tag or valid base64, raises there, ends the worker, and is found again by the next one. A tag that a
client uses twice makes kombu acknowledge two messages as one. A compressed message is unpacked without a bound.
Here every item becomes a message that kombu understands; `workers.door` decides what becomes of it.

Kombu lets a worker have as many messages as it may prefetch, and counts one as long as its acknowledgement has not been
written. Where that fails, because the connection breaks or the server's disk is full, the place is gone for good, and
two of them are all that a small worker has. Here the place is free at once, and the acknowledgement is made good.
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

#: Acknowledgements that could not be written, at most. A message whose own is forgotten comes again after 300 s.
_UNWRITTEN: Final = 1000
#: Headers by which an envelope passes through kombu, and through a restored message, with what was found.
PROBLEM, SIZE = "campaigns-problem", "campaigns-size"
#: Kombu unpacks a message that has this header as soon as it is built.
_COMPRESSION = "compression"


@cache
def most_bytes() -> int:
    """The largest body that is read, by this process's settings."""
    return Settings.from_env(os.environ).submission_bytes


def sound_item(item: bytes, queue: str, most: int) -> bytes:
    """The item as kombu can read it, whatever it was, with a delivery tag of its own."""
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
    """Hands kombu no item that it cannot read."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        answer = super().parse_response(connection, command_name, **options)
        if command_name == "BRPOP" and answer:
            key, item = answer
            name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
            queue = name.split(kombu_redis.Channel.sep)[0]
            return key, sound_item(item if isinstance(item, bytes) else item.encode(), queue, most_bytes())
        return answer


class _SoundQoS(kombu_redis.QoS):
    """Loses neither a place nor a message where the server cannot be written to."""

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
