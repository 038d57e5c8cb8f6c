"""Values of settings that are more than a number or a text."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

#: The scopes of the setting `cap_scope`: messages are counted per account, or over all accounts.
PER_ACCOUNT, OVER_ALL = "account", "all"
#: The values of the setting `optout_scope`: what a reply opts out of.
OF_ALL, OF_ACCOUNT, OF_TOPIC = OPTOUT_SCOPES = "all", "account", "topic"
#: The longest span of a cap. Messages are counted for no longer.
MOST_DAYS: Final = 100
#: The largest cap. It bounds what is counted of the numbers that share a key, and so the time that counting takes.
MOST_MESSAGES: Final = 30


class Secret:
    """A value that repr, format and pickle do not show. Only `reveal()` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret cannot be pickled")


class Rate(NamedTuple):
    """At most `requests` in any `window_s` seconds. 0 requests means no limit."""

    requests: int
    window_s: float

    def __str__(self) -> str:
        return f"{self.requests}/{self.window_s:g}" if self.requests else "off"


def rate(raw: str) -> Rate:
    """Read a rate, such as 20/1, or off. Raises ValueError."""
    if raw == "off":
        return Rate(0, 1.0)
    match = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)s?", raw)
    if match is None or int(match[1]) < 1 or float(match[2]) <= 0:
        raise ValueError("must be REQUESTS/SECONDS, such as 20/1 or 5/60, or off")
    return Rate(int(match[1]), float(match[2]))
