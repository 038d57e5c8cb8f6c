"""Mailings on their way through planning. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from campaigns.jobs.values import Mailing
from campaigns.planning.batching import Row
from campaigns.planning.exclusion_steps import Exclusion

#: Rows to message, and how many messages of the same mailing each of their phones gets before.
SoundRows = tuple[int, Sequence[Row]]


class DigestPart:
    """What the rows of a mailing add to the digest of their job, in which mailings stand in the order of the job.

    What is read before the mailings before it are over, as the canary asks for it, is kept until then, compressed.
    """

    def __init__(self, digest: blake2b) -> None:
        self._digest = digest
        self._kept: list[bytes] = []
        self._has_begun = False

    def update(self, rows: bytes) -> None:
        """Add the next rows of the mailing."""
        if self._has_begun:
            self._digest.update(rows)
        else:
            self._kept.append(zlib.compress(rows, 1))

    def begin(self) -> None:
        """The mailings before it are over."""
        self._has_begun = True
        for rows in self._kept:
            self._digest.update(zlib.decompress(rows))
        self._kept.clear()


@dataclass(slots=True)
class Course:
    """A bulk mailing on its way through planning. `sent` is the mailing as the gateway takes it.

    `steps` come as its rows are read; `put_off` are rows that were read for the canary and are not part of it. `digest`
    is the part that its rows have in the digest of the job.
    """

    index: int
    mailing: Mailing
    sent: Mailing
    schedule_time: str | None
    digest: DigestPart = field(repr=False)
    steps: Iterator[Exclusion | SoundRows] = field(repr=False)
    put_off: list[SoundRows] = field(default_factory=list, repr=False)
