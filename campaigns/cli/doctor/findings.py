"""Findings of the doctor, and checks that run at once in threads with a common deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, Generic, NamedTuple, TypeVar

from campaigns.text.wording import counted

T = TypeVar("T")

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"
#: Not checked, because of another finding.
SKIP: Final = "skip"


class Finding(NamedTuple):
    """The result of one check. `verdict` is 'ok', 'warn', 'fail', or 'skip' if it could not be made."""

    verdict: str
    what: str
    found: str
    remedy: str = ""


class Check(Generic[T]):
    """A check that runs in a daemon thread, which may outlive its deadline."""

    def __init__(self, check: Callable[[], T]) -> None:
        self._results: SimpleQueue[T | Exception] = SimpleQueue()
        threading.Thread(target=self._run, args=(check,), daemon=True).start()

    def _run(self, check: Callable[[], T]) -> None:
        try:
            self._results.put(check())
        except Exception as error:  # noqa: BLE001 (raised again where the result is asked for)
            self._results.put(error)

    def result(self, until_s: float) -> T | None:
        """The result, or None if there is none by `until_s` (monotonic). Raises what the check raised."""
        try:
            result = self._results.get(timeout=max(0.01, until_s - time.monotonic()))
        except Empty:
            return None
        if isinstance(result, Exception):
            raise result
        return result


def summed_up(findings: list[Finding]) -> str:
    """One line: `2 problems, 1 warning`."""
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in (FAIL, WARN, SKIP)}
    parts = [
        counted(counts[verdict], word) for verdict, word in ((FAIL, "problem"), (WARN, "warning")) if counts[verdict]
    ]
    if counts[SKIP]:
        parts.append(f"{counts[SKIP]} not checked")
    return ", ".join(parts) or "all well"
