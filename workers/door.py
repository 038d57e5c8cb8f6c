"""What a worker's main process does with messages: our own wake-ups go to Celery, all others are enclosed.

Celery decodes a message and builds its request in the worker's event loop. A body that is nested too deep, a missing id
or a header of another type raises there and ends the worker, and Celery logs what it cannot use, with its body. So the
loop never parses a body from outside. A message that is not plainly a wake-up of ours is enclosed, whole, in a message
for `campaigns.submit`, and read in the pool. It is acknowledged once it is stored; until then it is held here and tried
again at growing intervals.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import orjson
from billiard.exceptions import WorkerLostError
from celery.worker import consumer, request

from campaigns.broker.envelopes import Envelope, depth, envelope, known_problem
from campaigns.health.signs import LifeSign
from campaigns.names import SUBMISSIONS, SUBMIT
from workers.connecting import alive_while_connecting
from workers.transport import PROBLEM, SIZE, most_bytes

log = logging.getLogger(__name__)

#: Larger than any wake-up of ours, which carries a queue's name.
_WAKE_UP_BYTES: Final = 10_000
#: Headers of Celery's that our wake-ups do not use, or that Celery logs.
_UNUSED: Final = frozenset(
    {"argsrepr", "kwargsrepr", "eta", "timelimit", "shadow", "stamps", "stamped_headers", "chord", "group", "reply_to"}
)
#: Most messages that wait here to be tried again. With that many, no more are taken from the queue.
_HELD_MOST: Final = 10
_LONGEST_S: Final = 30.0
#: After this time the message goes back to its queue: a Redis broker would deliver it a second time after 300 s.
_GIVE_BACK_S: Final = 120.0
#: A message is not parsed any more after this many processes of the pool died while they read it.
_LIVES: Final = 3


class Consumer(consumer.Consumer):
    """Celery's consumer, which encloses messages from outside. Named by the setting `worker_consumer`."""

    class Blueprint(consumer.Consumer.Blueprint):  # type: ignore[misc, valid-type]  # celery-types has it as a variable
        """Celery's steps, without the one that declares 28 queues for delays where a queue is a quorum queue.

        Nothing is sent with a delay here: what is to be done later has a due time in the ledger.
        """

        default_steps: ClassVar[list[str]] = [
            step for step in consumer.Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        ]

    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]
    strategies: dict[str, Any]
    qos: Any
    task_consumer: Any
    sign: LifeSign

    def ensure_connected(self, conn: Any) -> Any:
        with alive_while_connecting(conn, self.sign):
            return super().ensure_connected(conn)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """Called for each new connection. Messages held for the old one are dropped: the broker delivers them again."""
        received = super().create_task_handler(*args, **options)
        self._held: set[Any] = set()
        self._paused = False

        def take(message: Any) -> None:
            try:
                if not self.is_wake_up(message):
                    self.enclose(message, self.envelope_of(message))
                received(message)
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:  # noqa: BLE001 (whatever a message makes Celery raise must not end the worker)
                self._put_aside(message, error)

        self._take = take
        return take

    # What Celery would log with its body.

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002
        self._again_enclosed(message, "it is not a message of Celery's")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002
        self._again_enclosed(message, "its task does not exist here")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002
        self._again_enclosed(message, "its headers are not those of Celery's protocol")

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ARG002
        self._again_enclosed(message, "its body cannot be decoded")

    def is_wake_up(self, message: Any) -> bool:
        """Whether it is a wake-up of ours, and so plain that Celery cannot fail on it."""
        headers, body = message.headers, _bytes_of(message)
        if _queue_of(message) == SUBMISSIONS or not isinstance(headers, Mapping) or PROBLEM in headers:
            return False
        if headers.get("task") == SUBMIT or headers.get("task") not in self.strategies or len(body) > _WAKE_UP_BYTES:
            return False
        if not all(isinstance(headers.get(name), str) and headers[name] for name in ("id", "task")):
            return False
        if message.content_type != "application/json" or not _is_call(body):
            return False
        message.headers = {name: value for name, value in headers.items() if name not in _UNUSED}
        return True

    @staticmethod
    def envelope_of(message: Any) -> Envelope:
        """The message as it came, as far as kombu could take it apart."""
        return _envelope_of(message)

    def enclose(self, message: Any, found: Envelope) -> None:
        """Make it a message for the task that reads submissions, with the whole original as its only argument."""
        message.body = orjson.dumps([[found.packed()], {}, {}])
        message.content_type, message.content_encoding = "application/json", "utf-8"
        # Celery writes arguments into its lines and records; these stand in the place of a job.
        shown = {"argsrepr": "(a message,)", "kwargsrepr": "{}"}
        message.headers = {"task": SUBMIT, "id": found.digest, "lang": "py", **shown}
        message._decoded_cache = None  # noqa: SLF001 (a new body)
        message.errors = []
        message.enclosed = found
        message.reject_log_error = _Rejection(self, message)

    def _again_enclosed(self, message: Any, problem: str) -> None:
        if getattr(message, "enclosed", None) is not None:
            self._put_aside(message, None)
            return
        self.enclose(message, _with_problem(self.envelope_of(message), problem))
        self._take(message)

    def _put_aside(self, message: Any, error: Exception | None) -> None:
        """Drop a message that cannot even be handed to the pool, so that it does not come back for ever."""
        name = type(error).__name__ if error is not None else ""
        log.error("message_dropped", extra={"queue": _queue_of(message), "error": name})
        if not message.acknowledged:
            type(message).reject_log_error(message, log, self.connection_errors)

    # Messages that cannot be stored yet.

    def hold(self, message: Any) -> None:
        """Keep a message unacknowledged and try it again later. Other messages go on meanwhile."""
        if message in self._held or message.acknowledged:
            return
        now_s = time.monotonic()
        message.held_since_s = getattr(message, "held_since_s", now_s)
        message.tries = getattr(message, "tries", 0) + 1
        self._held.add(message)
        if len(self._held) <= _HELD_MOST:
            self.qos.increment_eventually()  # what is held does not count among those that this worker may have
            message.counted = True
        self._pause_if_full()
        delay_s = min(_LONGEST_S, 0.5 * 2**message.tries) * random.uniform(0.5, 1.0)  # noqa: S311
        log.warning(
            "message_held",
            extra={"queue": _queue_of(message), "tries": message.tries, "delay_ms": round(delay_s * 1000)},
        )
        self.timer.call_after(delay_s, self.call_soon, (self._try_again, message))

    def _try_again(self, message: Any) -> None:
        if message not in self._held:
            return  # it belonged to a connection that was lost
        self._held.discard(message)
        if getattr(message, "counted", False):
            message.counted = False
            self.qos.decrement_eventually()
        self._resume_if_room()
        if time.monotonic() - message.held_since_s > _GIVE_BACK_S:
            try:
                message.requeue()
                return
            except Exception as error:  # noqa: BLE001 (a broker that is full: it stays here)
                log.warning("message_not_given_back", extra={"error": type(error).__name__})
        self._take(message)

    def _pause_if_full(self) -> None:
        if len(self._held) >= _HELD_MOST and not self._paused and self.task_consumer.consuming_from(SUBMISSIONS):
            self.task_consumer.cancel_by_queue(SUBMISSIONS)
            self._paused = True

    def _resume_if_room(self) -> None:
        if self._paused and len(self._held) < _HELD_MOST:
            self.task_consumer.add_queue(self.app.amqp.queues[SUBMISSIONS])
            self.task_consumer.consume()
            self._paused = False


class Request(request.Request):
    """A request for `campaigns.submit`. Counts the processes that died over its message."""

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, (WorkerLostError, SystemExit)):
            self.message.deaths = getattr(self.message, "deaths", 0) + 1
        return super().on_failure(exc_info, *args, **options)


class _Rejection:
    """Replaces a message's own rejection, by which the broker would deliver it again at once."""

    def __init__(self, door: Consumer, message: Any) -> None:
        self._door = door
        self._message = message

    def __call__(self, logger: logging.Logger, errors: Any, requeue: bool = False) -> None:
        message = self._message
        if not requeue:
            type(message).reject_log_error(message, logger, errors)
            return
        if getattr(message, "deaths", 0) >= _LIVES:
            problem = f"{_LIVES} processes died while they read it"
            self._door.enclose(message, _with_problem(message.enclosed, problem))
        self._door.hold(message)


def _envelope_of(message: Any) -> Envelope:
    enclosed: Envelope | None = getattr(message, "enclosed", None)
    if enclosed is not None:
        return enclosed
    headers = message.headers if isinstance(message.headers, Mapping) else {}
    plain = {name: value for name, value in headers.items() if name not in {PROBLEM, SIZE}}
    if "campaigns-compression" in plain:
        plain["compression"] = plain.pop("campaigns-compression")
    found = envelope(
        _queue_of(message), plain, message.content_type, message.content_encoding, _bytes_of(message), most_bytes()
    )
    if PROBLEM not in headers:
        return found
    size = headers.get(SIZE)
    return _with_problem(found, known_problem(str(headers[PROBLEM])), size if isinstance(size, int) else found.size)


def _with_problem(found: Envelope, problem: str, size: int | None = None) -> Envelope:
    parts = (found.queue, found.headers, found.content_type, found.content_encoding, found.body)
    return Envelope(*parts, size=found.size if size is None else size, problem=found.problem or problem)


def _queue_of(message: Any) -> str:
    """The queue's name is its routing key: `broker.options.queues` binds them so."""
    about = message.delivery_info
    return str(about.get("routing_key") or "")[:60] if isinstance(about, Mapping) else ""


def _bytes_of(message: Any) -> bytes:
    body = message.body
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    return bytes(body) if body is not None else b""


def _is_call(body: bytes) -> bool:
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(call, list) or len(call) != 3 or depth(call) > 6:
        return False
    return isinstance(call[0], list) and isinstance(call[1], dict) and isinstance(call[2], (dict, type(None)))
