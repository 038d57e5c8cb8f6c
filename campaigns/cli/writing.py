"""Lines written to a file, whole or not at all, or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from campaigns.cli.failures import FAILED, complain
from campaigns.cli.screen import console

STDOUT = Path("-")


def write_out(output: Path, lines: Iterable[str]) -> None:
    """Write to `output`, as the lines come. Leaves with a complaint if the file cannot be written."""
    if output == STDOUT:
        _print(lines)
        return
    _write(output, lines)
    console.print(f"written: {output}", soft_wrap=True)


def _print(lines: Iterable[str]) -> None:
    stream = sys.stdout.buffer
    for line in lines:
        stream.write(line.encode())
    stream.flush()


def _write(path: Path, lines: Iterable[str]) -> None:
    """Put a whole file into its place; into what is no file, such as a pipe, the lines are written as they come."""
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8", newline="") as device:
                device.writelines(lines)
        else:
            # A link stays a link, and leads to the file.
            _replace(Path(os.path.realpath(path)), lines)
    except OSError as error:
        complain(f"cannot write {path}: {error.strerror or error}")
        sys.exit(FAILED)


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Write beside the file and put it in its place in the end, so that nobody finds half of it."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    file = part.open("x", encoding="utf-8", newline="")
    try:
        with file:
            file.writelines(lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
