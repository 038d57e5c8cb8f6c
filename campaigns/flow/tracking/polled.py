"""One poll of one batch: what its steps have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

from campaigns.ledger import Batch
from campaigns.planning.planner import phones_of
from campaigns.services import Services
from campaigns.statuses import final_words


class Poll:
    """A poll at `now_ms`. `batch` is replaced when it is read again, `version` by each write of deliveries."""

    def __init__(self, services: Services, batch: Batch, now_ms: int) -> None:
        self.services = services
        self.batch = batch
        self.now_ms = now_ms
        #: When the batch begins to be followed, and when its horizon ends (unix ms).
        self.followed_ms = batch.number("followed_ms")
        self.end_ms = self.followed_ms + services.ms.poll_horizon
        self.final = final_words(services.settings.final_statuses, batch.follow)
        #: The version of the batch's deliveries, as this poll last saw or left them.
        self.version: str | None = batch.fields.get("v")
        #: Whether changes could not be written, because other processes wrote each time in between.
        self.unwritten = False

    @cached_property
    def phones(self) -> list[list[str]]:
        """The batch's own phones per mailing, from its request body; empty lists once that has expired."""
        body = self.services.batches.body(self.batch.id)
        return phones_of(self.batch.kind, body) if body is not None else [[] for _ in self.batch.mailings]

    def phones_of_mailing(self, mailing: int, reported: Iterable[str]) -> Collection[str]:
        """The phones that count for a mailing: its own, else those in the answer, as for a list mailing."""
        if self.batch.recipients == 0 and self.batch.kind != "list":
            # All were excluded, and then an earlier attempt was accepted after all: they are counted elsewhere.
            return frozenset()
        own = self.phones[mailing]
        return frozenset(own) if own else frozenset(reported)
