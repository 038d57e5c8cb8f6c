"""Jobs that were sent as Celery's task `campaigns.submit`, taken from the broker without a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaigns.broker import options as broker
from campaigns.broker.envelopes import Envelope, envelope_of_item
from campaigns.names import SUBMISSIONS
from campaigns.settings import Settings


class Submissions:
    """Reads the queue `submissions` of a Redis broker as a worker does."""

    def __init__(self, settings: Settings) -> None:
        self._connection = broker.connection(settings)
        self._most_bytes = settings.submission_bytes

    def take(self) -> Iterator[Envelope]:
        """The messages that have arrived so far."""
        channel: Any = self._connection.default_channel
        with channel.conn_or_acquire() as client:
            while (item := client.rpop(SUBMISSIONS)) is not None:
                yield envelope_of_item(item, SUBMISSIONS, self._most_bytes)

    def close(self) -> None:
        self._connection.release()
