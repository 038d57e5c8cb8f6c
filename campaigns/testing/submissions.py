"""Jobs that were sent as Celery's task `campaigns.submit`, taken from the broker without a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kombu import Queue

from campaigns import broker, names
from campaigns.settings import Settings


@dataclass(frozen=True, slots=True)
class Submission:
    """One message, with the arguments of the task `workers.tasks.submit`."""

    message_id: str
    job: Any
    key: str | None = None
    strict: bool = False


class Submissions:
    """Reads the queue `control`. What lies there besides jobs is passed over: due times do that work."""

    def __init__(self, settings: Settings) -> None:
        self._connection = broker.connection(settings)
        self._queue = Queue(names.CONTROL, routing_key=names.CONTROL)(self._connection.channel())

    def take(self) -> Iterator[Submission]:
        """Those that have come so far. A message with other arguments than the task's raises TypeError."""
        while (message := self._queue.get(no_ack=True, accept=["json"])) is not None:
            if message.headers.get("task") == names.SUBMIT:
                positional, named, _ = message.payload
                yield Submission(str(message.headers["id"]), *positional, **named)

    def close(self) -> None:
        self._connection.release()
