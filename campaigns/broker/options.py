"""The broker as kombu and Celery reach it: one address, one set of options, for producers and workers alike.

kombu reads the address of a Redis server in a way of its own: it takes no options but those of TLS, turns `rediss://`
into TLS that verifies nothing, and leaves the options of `unix://` as text. So the transport here connects with
what redis-py itself makes of the address, as the store does.
"""

from __future__ import annotations

from typing import Any, Final

from kombu import Connection, Queue
from kombu.transport import pyamqp, redis

from campaigns.names import QUEUES
from campaigns.settings import Settings, addresses
from campaigns.store import connections

#: How long to wait for the broker: a wake-up may be lost, while the caller of `enqueue` waits.
BRIEF_S: Final = 2.0


class RedisChannel(redis.Channel):
    """Connects with the options of the address, which win over those that are usual here."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._known: dict[bool, dict[str, Any]] = {}
        super().__init__(*args, **options)

    def close(self) -> None:
        """Give back what was not acknowledged, if need be by new connections, and close those, too."""
        try:
            super().close()
        finally:
            self._disconnect_pools()  # type: ignore[attr-defined]

    def _url(self) -> str:
        client: Any = self.connection.client
        return str(client.hostname)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """Remembered: closing a channel after its server is gone connects once more, and has lost the address.

        kombu then raises AttributeError, which no broker's error is, and the worker would end.
        """
        if asynchronous not in self._known:
            self._known[asynchronous] = self._found_connparams(asynchronous)
        return dict(self._known[asynchronous])

    def _found_connparams(self, asynchronous: bool) -> dict[str, Any]:
        options = connections.options_of(self._url(), self.global_keyprefix)
        # A BRPOP that is repeated has lost the message that the first one took.
        options.pop("retry_on_timeout", None)
        self.connection_class = options.pop("connection_class")
        params: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]
        if "path" in options:
            for name in ("socket_connect_timeout", "socket_keepalive", "socket_keepalive_options"):
                params.pop(name, None)
        return {**params, "username": None, "password": None, "db": 0, **options}


class RedisTransport(redis.Transport):
    """kombu's Redis transport with our own reading of the address."""

    Channel = RedisChannel
    can_parse_url = True

    def as_uri(self, uri: str, include_password: bool = False, mask: str = "**") -> str:  # noqa: ARG002
        """What Celery shows and logs: never a password, whatever it asks for."""
        return f"{uri.partition('://')[0]}://{addresses.place(uri)}"


class AmqpConnection(pyamqp.Connection):
    """Closes its socket if RabbitMQ refuses it, which py-amqp leaves to the garbage collector."""

    def connect(self, callback: Any = None) -> Any:
        try:
            return super().connect(callback)
        except BaseException:
            self.collect()
            raise


class AmqpTransport(pyamqp.Transport):
    """kombu's transport for RabbitMQ, by a name that does not depend on what else is installed."""

    Connection = AmqpConnection


def url_of(settings: Settings) -> str:
    """The one source of the broker's address. Celery's own variables, which are the host program's, are not asked."""
    return settings.broker_url or settings.redis_url


def place_of(settings: Settings) -> str:
    """Where the broker is, without its password."""
    return addresses.place(url_of(settings))


def queues(settings: Settings) -> list[Queue]:
    """The queues of `names`, declared alike on both sides. RabbitMQ refuses who declares one of another type."""
    url = url_of(settings)
    kind = addresses.amqp(url).queue_type if addresses.is_amqp(url) else ""
    return [Queue(name, routing_key=name, queue_arguments={"x-queue-type": kind} if kind else None) for name in QUEUES]


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Celery's settings about the broker, by their names."""
    url = url_of(settings)
    if not addresses.is_amqp(url):
        return {
            "broker_url": url,
            "broker_transport": "campaigns.broker.options:RedisTransport",
            "broker_transport_options": _redis_transport_options(settings),
        }
    amqp = addresses.amqp(url)
    heartbeat = {} if amqp.heartbeat_s is None else {"broker_heartbeat": amqp.heartbeat_s}
    return {
        "broker_url": amqp.url,
        "broker_transport": "campaigns.broker.options:AmqpTransport",
        "broker_use_ssl": amqp.tls,
        "broker_transport_options": {"confirm_publish": True},
        **heartbeat,
    }


def connection(settings: Settings) -> Connection:
    """A connection for sending or reading. It connects when it is used, and waits `BRIEF_S` for an answer."""
    found = celery_settings(settings)
    # Each address once, without a pause: kombu would try again for as long as connecting may take.
    once = {"max_retries": found["broker_url"].count(";"), "interval_start": 0, "interval_step": 0}
    if addresses.is_amqp(url_of(settings)):
        timeouts = {"read_timeout": BRIEF_S, "write_timeout": BRIEF_S}
    else:
        timeouts = {"socket_timeout": BRIEF_S, "socket_connect_timeout": BRIEF_S}
    return Connection(
        found["broker_url"],
        transport=found["broker_transport"],
        ssl=found.get("broker_use_ssl", False),
        transport_options={**found["broker_transport_options"], **once, **timeouts},
        connect_timeout=BRIEF_S,
    )


def _redis_transport_options(settings: Settings) -> dict[str, Any]:
    """How producers and workers talk to a Redis server; both must agree on the prefix.

    Without a socket timeout a half-open connection stops a worker for good, without a sound.
    """
    return {
        "global_keyprefix": f"{settings.key_prefix}celery:",
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
    }
