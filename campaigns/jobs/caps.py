"""The frequency cap of a job: how many campaign messages a phone may get in some days. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Limit(NamedTuple):
    """At most `messages` campaign messages to a phone in `days` days of the calendar, today included."""

    messages: int
    days: int

    def __str__(self) -> str:
        return f"{self.messages}/{self.days}"


@dataclass(frozen=True, slots=True)
class Cap:
    """The limits that a campaign keeps to, and the account whose messages count; '' if those of all accounts do."""

    account: str
    limits: tuple[Limit, ...]

    def packed(self) -> str:
        """As a batch carries it: `<account>|3/7,1/1`."""
        return f"{self.account}|{self.packed_limits}"

    @property
    def packed_limits(self) -> str:
        """The limits as scripts take them."""
        return ",".join(map(str, self.limits))

    @classmethod
    def read(cls, packed: str) -> Cap:
        account, _, limits = packed.rpartition("|")
        pairs = (limit.split("/") for limit in limits.split(","))
        return cls(account, tuple(Limit(int(messages), int(days)) for messages, days in pairs))
