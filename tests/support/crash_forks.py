"""A process that has imported everything, and forks a crash child for each line of arguments that it reads.

A process of its own for each child would import for a second, and there are dozens of children.
`Forks` is the other side of it, in the tests' process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.processes import ROOT

_LIMIT_S = 60.0


class Forks:
    """Runs crash children, one after the other. A context manager."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.support.crash_forks"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, arguments: Sequence[str]) -> tuple[int, str]:
        """The exit code of a child (negative: the signal that ended it), and what it wrote to standard error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments).encode() + b"\n")
        self._process.stdin.flush()
        code, written = json.loads(self._process.stdout.readline())
        return code, written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=_LIMIT_S)


def forked(arguments: Sequence[str]) -> tuple[int, str]:
    with tempfile.NamedTemporaryFile() as errors:
        pid = os.fork()
        if pid == 0:
            _child(arguments, errors.name)
        until = time.monotonic() + _LIMIT_S
        while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
            if time.monotonic() > until:
                os.kill(pid, signal.SIGABRT)  # not the signal that tests wait for
            time.sleep(0.005)
        return os.waitstatus_to_exitcode(ended[1]), Path(errors.name).read_text("utf-8", "replace")


def _child(arguments: Sequence[str], errors: str) -> None:
    """Never returns: what comes after the fork in the parent is not the child's."""
    try:
        os.dup2(os.open(errors, os.O_WRONLY), 2)
        os.dup2(2, 1)
        from tests.support import crash_child  # noqa: PLC0415 (imported already; the other side needs none of it)

        crash_child.main(arguments)
    except BaseException:  # noqa: BLE001 (the parent goes on with other children)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def main() -> None:
    from tests.support import crash_child  # noqa: F401, PLC0415 (so that no child has to)

    for line in sys.stdin:
        sys.stdout.write(json.dumps(forked(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
