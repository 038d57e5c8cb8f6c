"""Which phones messages have reached, and which they have not. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from campaigns.results.changes import Change
from campaigns.statuses import DELIVERED, READ, says_unreached


def reached_and_not(changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """The phones that messages have reached now, and those that they did not reach, once for each message."""
    reached, unreached = list[str](), list[str]()
    for change in changes:
        if change.status in (DELIVERED, READ):
            reached.append(change.phone)
        elif says_unreached(change.before, change.status):
            unreached.append(change.phone)
    return reached, unreached


def suppressing(changes: Iterable[Change], most: int) -> tuple[int, bytes, bytes]:
    """As scripts take it: after how many messages in a row a phone is suppressed (0: never), and both kinds of it."""
    if not most:
        return 0, b"", b""
    reached, unreached = reached_and_not(changes)
    return most, orjson.dumps(reached), orjson.dumps(unreached)
