"""Files of excluded recipients, for `campaigns send`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from campaigns.cli.output.files import whole_file
from campaigns.recipients.exclusions import Excluded
from campaigns.reports.rows import CsvLines

COLUMNS: Final = ("phone", "place", "reason", "why")


@contextmanager
def excluded_file(path: Path | None, *, excel: bool) -> Iterator[Callable[[Excluded], object]]:
    """Gives a function that writes an excluded recipient as a row of CSV, or does nothing if `path` is None.

    The file is written at the end, with its header even if no recipient is excluded. Prints an error and exits with 1
    if it cannot be written.
    """
    if path is None:
        yield lambda _one: None
        return
    lines = CsvLines(excel=excel)
    with whole_file(path) as write:
        write(lines.head(COLUMNS))
        yield lambda one: write(lines.line((one.phone, one.place, one.reason, one.words)))
