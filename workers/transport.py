"""Kombu's transports, made to survive any message.

Kombu parses what lies in a Redis list inside the worker's event loop: what is no JSON, or lacks properties, a
delivery tag or valid base64, raises there, ends the worker, and is found again by the next one. A tag that a
client uses twice makes kombu acknowledge two messages as one. A compressed message is unpacked without a bound.
Here every item becomes a message that kombu understands; `workers.door` decides what becomes of it.
"""

from __future__ import annotations

import base64
import functools
import os
import uuid
from functools import cache
from typing import Any, Final

import orjson
from kombu.transport import pyamqp
from kombu.transport import redis as kombu_redis

from campaigns import broker
from campaigns.envelopes import envelope_of_item
from campaigns.settings import Settings

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


class _SoundChannel(broker.RedisChannel):
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
    "campaigns.broker:RedisTransport": "workers.transport:RedisTransport",
    "campaigns.broker:AmqpTransport": "workers.transport:AmqpTransport",
}
