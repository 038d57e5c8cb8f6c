"""The dead man's switch: beat requests a page that the operator names, and the page's service alarms when that stops.

Pings never block beat: each has a thread and a deadline of its own, and there is never more than one under way.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

_EVERY_S: Final = 60.0
_DEADLINE_S: Final = 10.0


class Pinger:
    """Asks for `url` at most every `every_s` seconds, for at most `deadline_s` each, once connected."""

    def __init__(
        self,
        url: str,
        *,
        every_s: float = _EVERY_S,
        deadline_s: float = _DEADLINE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = urlsplit(url)
        self._every_s, self._deadline_s = every_s, deadline_s
        self._monotonic = monotonic
        self._last_s = float("-inf")
        self._under_way: threading.Thread | None = None

    def ping(self) -> None:
        """Call it whenever all is well. Returns at once, and raises nothing if the ping fails."""
        now_s = self._monotonic()
        if now_s - self._last_s < self._every_s or (self._under_way and self._under_way.is_alive()):
            return
        self._last_s = now_s
        self._under_way = threading.Thread(target=self._ask, name="ping", daemon=True)
        self._under_way.start()

    def _ask(self) -> None:
        # The address may hold a secret, and so may the texts of errors.
        try:
            status = self._status()
        except (OSError, HTTPException, ValueError) as error:
            log.warning("ping_failed", extra={"error": type(error).__name__})
            return
        if status >= 400:
            log.warning("ping_refused", extra={"status": status})

    def _status(self) -> int:
        parts = self._parts
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        with contextlib.closing(make(parts.hostname or "", parts.port, timeout=self._deadline_s)) as connection:
            connection.connect()
            # An answer that drips would hold off the timeout for ever.
            ending = threading.Timer(self._deadline_s, _cut, [connection.sock])
            ending.start()
            try:
                connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
                return connection.getresponse().status
            finally:
                ending.cancel()


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
