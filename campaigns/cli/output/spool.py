"""Excluded recipients kept on disk until all are known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Final, Self

import orjson

from campaigns.recipients.exclusions import Excluded

_IN_MEMORY: Final = 1 << 20


class Spool:
    """A context manager that keeps excluded recipients in a temporary file, in the order of their notes."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed by __exit__)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def note(self, one: Excluded) -> None:
        """Keep a recipient. Raises OSError if the disk is full."""
        self._file.write(orjson.dumps(one.as_row()) + b"\n")

    def __iter__(self) -> Iterator[Excluded]:
        self._file.seek(0)
        for line in self._file:
            yield Excluded.from_row(orjson.loads(line))
