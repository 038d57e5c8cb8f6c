"""What the doctor finds, and how several looks are had at once without waiting for any of them for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"
#: Not looked at, because of something else that is told.
SKIP: Final = "skip"


class Finding(NamedTuple):
    """One thing that was looked at. `verdict` is 'ok', 'warn', 'fail', or 'skip' if it could not be looked at."""

    verdict: str
    what: str
    found: str
    remedy: str = ""


class Check(Generic[T]):
    """A look that goes on by itself, in a thread that nobody has to wait for: some take as long as they like."""

    def __init__(self, check: Callable[[], T]) -> None:
        self._results: SimpleQueue[T | Exception] = SimpleQueue()
        threading.Thread(target=self._run, args=(check,), daemon=True).start()

    def _run(self, check: Callable[[], T]) -> None:
        try:
            self._results.put(check())
        except Exception as error:  # noqa: BLE001 (raised again where the result is asked for)
            self._results.put(error)

    def result(self, until_s: float) -> T | None:
        """What was seen, or None if that took longer than until `until_s` (monotonic). Raises what looking raised."""
        try:
            seen = self._results.get(timeout=max(0.01, until_s - time.monotonic()))
        except Empty:
            return None
        if isinstance(seen, Exception):
            raise seen
        return seen


def summed_up(findings: list[Finding]) -> str:
    """One line: `2 problems, 1 warning`."""
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in (FAIL, WARN, SKIP)}
    parts = [
        f"{counts[verdict]} {word}{'s' * (counts[verdict] != 1)}"
        for verdict, word in ((FAIL, "problem"), (WARN, "warning"))
        if counts[verdict]
    ]
    if counts[SKIP]:
        parts.append(f"{counts[SKIP]} not looked at")
    return ", ".join(parts) or "all well"
