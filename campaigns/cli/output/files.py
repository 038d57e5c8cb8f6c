"""Lines written to a file, whole or not at all, or to standard output."""

from __future__ import annotations

import filecmp
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from campaigns.cli.exit_codes import FAILED
from campaigns.cli.output.screen import console, print_error

STDOUT = Path("-")


class DifferentFileError(Exception):
    """The file has other content than what was to be written."""


def has_content(path: Path) -> bool:
    """Whether there is a file that is not empty; a pipe or device is none."""
    return path.is_file() and path.stat().st_size > 0


def write_out(output: Path, lines: Iterable[str]) -> None:
    """Write lines to a file or to standard output. Prints an error and exits with 1 if the file cannot be written."""
    if output == STDOUT:
        _print(lines)
        return
    _write(output, lines)
    console.print(f"written: {output}", soft_wrap=True)


@contextmanager
def whole_file(path: Path, *, overwrites: bool = True) -> Iterator[Callable[[str], object]]:
    """Gives a function that writes a line. The file is in place at the end, unless an exception is raised inside.

    Without `overwrites` a file that has other content already stays as it is: raises DifferentFileError at the end."""
    try:
        with _opened(path, overwrites=overwrites) as write:
            yield write
    except OSError as error:
        _fail(path, error)


def _print(lines: Iterable[str]) -> None:
    stream = sys.stdout.buffer
    for line in lines:
        stream.write(line.encode())
    stream.flush()


def _write(path: Path, lines: Iterable[str]) -> None:
    """Write the whole file beside its place and move it there. A pipe or device is written directly."""
    try:
        with _opened(path) as write:
            for line in lines:
                write(line)
    except OSError as error:
        _fail(path, error)


def _fail(path: Path, error: OSError) -> NoReturn:
    print_error(f"cannot write {path}: {error.strerror or error}")
    sys.exit(FAILED)


@contextmanager
def _opened(path: Path, *, overwrites: bool = True) -> Iterator[Callable[[str], object]]:
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as device:
            yield device.write
    else:
        # A symbolic link stays, and its target is replaced.
        with _replaced(Path(os.path.realpath(path)), overwrites=overwrites) as write:
            yield write


@contextmanager
def _replaced(path: Path, *, overwrites: bool) -> Iterator[Callable[[str], object]]:
    """Write beside the file and move it into place at the end, so that no reader finds half of it."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    file = part.open("x", encoding="utf-8", newline="")
    try:
        with file:
            yield file.write
        if not overwrites and has_content(path) and not filecmp.cmp(part, path, shallow=False):
            raise DifferentFileError
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
