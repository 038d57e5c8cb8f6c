"""The version of what lies in the store: which keys there are, and what their fields are called.

A process that finds another version than its own must not work with it: it would read a batch that was sent as one
that was not. Every new connection to the store asks, so that nothing is read before.
"""

from __future__ import annotations

from typing import Any, Final

from redis.exceptions import NoPermissionError, RedisError

from campaigns.store.keys import Keys

#: Raise it when a key or a field is renamed or removed, and describe in the changelog how to bring over an older store.
LAYOUT: Final = b"1"
#: What a store of the time before versions is taken for.
_UNNAMED: Final = b"0"


class WrongLayoutError(RedisError):
    """The store was written by another version of the project."""

    def __init__(self, found: bytes) -> None:
        super().__init__(
            f"the store has layout {found.decode('ascii', 'replace')}, and this process knows {LAYOUT.decode()} only: "
            "run one version everywhere, or use another CAMPAIGNS_KEY_PREFIX"
        )


def check_layout(connection: Any, keys: Keys) -> None:
    """Compare the layout of the store behind a connection of redis-py with ours; an empty store gets ours.

    Raises WrongLayoutError if it is another one.
    """
    found = _answer(connection, "GET", keys.layout())
    if found is None:
        found = _found_empty(connection, keys)
    if found != LAYOUT:
        raise WrongLayoutError(found)


def _found_empty(connection: Any, keys: Keys) -> bytes:
    """The layout of a store that named none a moment ago."""
    if _answer(connection, "EXISTS", keys.index()):
        # Another process may have begun to use it since.
        return _answer(connection, "GET", keys.layout()) or _UNNAMED
    try:
        _answer(connection, "SETNX", keys.layout(), LAYOUT)
    except NoPermissionError:
        # For example a consumer that may only read.
        return LAYOUT
    return _answer(connection, "GET", keys.layout()) or LAYOUT


def _answer(connection: Any, *command: str | bytes) -> Any:
    connection.send_command(*command, check_health=False)
    return connection.read_response()
