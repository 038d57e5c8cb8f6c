"""Mailings on their way through planning. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from campaigns.jobs.values import Mailing
from campaigns.planning.batching import Row
from campaigns.planning.exclusion_steps import Exclusion

#: Rows to message, and how many messages of the same mailing each of their phones gets before.
SoundRows = tuple[int, Sequence[Row]]


@dataclass(slots=True)
class Course:
    """A bulk mailing on its way through planning. `sent` is the mailing as the gateway takes it.

    `steps` come as its rows are read; `put_off` are rows that were read for the canary and are not part of it. `digest`
    is that of its rows: its own where the canary needs rows of each mailing before the others, so that it does not
    depend on how many that were.
    """

    index: int
    mailing: Mailing
    sent: Mailing
    schedule_time: str | None
    digest: blake2b = field(repr=False)
    steps: Iterator[Exclusion | SoundRows] = field(repr=False)
    put_off: list[SoundRows] = field(default_factory=list, repr=False)
