"""Signs of life from a process that connects to its broker: it is alive, however long that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from campaigns.health.signs import LifeSign
from campaigns.health.supervising import tell_watchdog


@contextmanager
def alive_while_connecting(connection: Any, sign: LifeSign) -> Iterator[None]:
    """Give signs of life while `connection` is tried: kombu calls a callback about once a second meanwhile."""
    ensure = connection.ensure_connection

    def ensure_connection(*args: Any, callback: Callable[[], object] | None = None, **options: Any) -> Any:
        def going_on() -> None:
            if callback is not None:
                callback()
            sign.turned(connected=False)
            tell_watchdog()

        return ensure(*args, callback=going_on, **options)

    connection.ensure_connection = ensure_connection
    try:
        yield
    finally:
        del connection.ensure_connection
