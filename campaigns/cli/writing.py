"""Lines written to a file, whole or not at all, or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from campaigns.cli.failures import FAILED, complain
from campaigns.cli.show import console

STDOUT = Path("-")


def write_out(output: Path, lines: Iterable[str]) -> None:
    """Write to `output`, as the lines come. Leaves with a complaint if the file cannot be written."""
    if output == STDOUT:
        _print(lines)
        return
    _write(output, lines)
    console.print(f"written: {output}", markup=False, soft_wrap=True)


def _print(lines: Iterable[str]) -> None:
    stream = sys.stdout.buffer
    for line in lines:
        stream.write(line.encode())
    stream.flush()


def _write(path: Path, lines: Iterable[str]) -> None:
    """Write beside the file and put it in its place in the end, so that nobody finds half of it."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        part.replace(path)
    except OSError as error:
        complain(f"cannot write {path}: {error.strerror or error}")
        sys.exit(FAILED)
    finally:
        part.unlink(missing_ok=True)
