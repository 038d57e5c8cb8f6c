"""Files of excluded recipients, for `campaigns send`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from campaigns.cli.output.excluded_rows import Found, SharedPhone, found_rows, rows_of, shared_phones
from campaigns.cli.output.files import whole_file
from campaigns.cli.output.spool import Spool
from campaigns.recipients import RecipientFile
from campaigns.recipients.exclusions import Excluded
from campaigns.recipients.originals import Originals
from campaigns.recipients.returned import JSON_MARK, JSON_PHONE, MARKS
from campaigns.reports.rows import CsvLines
from campaigns.text.harmless import json_line

COLUMNS: Final = ("phone", "place", "reason", "why")
Note = Callable[[Excluded], object]


@contextmanager
def excluded_file(
    path: Path | None, recipients: RecipientFile | None, *, excel: bool, overwrites: bool = True
) -> Iterator[Note]:
    """Gives a function that notes an excluded recipient for the file at `path`, or does nothing if `path` is None.

    Without a file of `recipients`, each becomes a row of CSV. With one, the result is a file of recipients itself:
    their rows in that file, whole, with MARKS; JSON lines if it has JSON lines, otherwise CSV. It is written at the
    end, with its header even if no recipient is excluded. Prints an error and exits with 1 if it cannot be written.
    Without `overwrites`, raises DifferentFileError at the end if the file there has other content.
    """
    if path is None:
        yield lambda _one: None
        return
    with whole_file(path, overwrites=overwrites) as write:
        if recipients is None:
            lines = CsvLines(excel=excel)
            write(lines.head(COLUMNS))
            yield lambda one: write(lines.line((one.phone, one.place, one.reason, one.words)))
        else:
            # The file is read again at the end: a pipe cannot be read in two places at once.
            with Spool() as noted:
                yield noted.note
                for line in _lines(noted, recipients, excel=excel):
                    write(line)


def _lines(noted: Iterable[Excluded], recipients: RecipientFile, *, excel: bool) -> Iterator[str]:
    rows = rows_of(recipients)
    found, shared = found_rows(noted, recipients, rows), shared_phones(noted, recipients)
    if rows.names is None:
        return _json_lines(found, shared)
    return _csv_lines(found, rows, CsvLines(excel=excel, exact=True), shared)


def _csv_lines(found: Iterable[Found], rows: Originals, lines: CsvLines, shared: SharedPhone) -> Iterator[str]:
    names = rows.names or []
    yield lines.mark + lines.exact([*names, *MARKS])
    for one, row in found:
        cells = row.content if row else [one.phone if at == rows.phone_place else "" for at in range(len(names))]
        place = (str(row.number), str(row.line or "")) if row else ("", "")
        yield lines.exact([*cells, *place, one.reason, one.words, shared(one)])


def _json_lines(found: Iterable[Found], shared: SharedPhone) -> Iterator[str]:
    for one, row in found:
        document = row.content if row is not None else one.phone
        document = document if isinstance(document, dict) else {"phone": document}
        line = row.line if row is not None else None
        mark = {"line": line, "reason": one.reason, "why": one.words, JSON_PHONE: shared(one)}
        yield json_line({**document, JSON_MARK: mark}) + "\n"
