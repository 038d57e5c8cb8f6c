"""The steady clock: the time by which the ledger goes, which runs on evenly when the server's clock is set.

Scripts take the time from the server's clock, so that all machines agree. That clock may be set, forward or back, by
hours, and then every due time, lease and permit would be wrong by as much. So the ledger adds an offset to it. Each
process notices a jump by its machine's clock since boot, which is never set, and moves the offset the other way. After
that the ledger's time returns to the server's by five thousandths of the time that passes.

A machine that was suspended may see a jump where there was none. So the offset stays while others confirm it: beat does
so every second, and each worker with its heartbeat.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

log = logging.getLogger(__name__)

_BOOT_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", None)
#: How far the server's clock may be from the expected time; `lua/include/clock.lua` has the same figures.
TOLERANCE_MS: Final = 3_000
_AHEAD_MS: Final = 1_000
#: How old a comparison of the server's clock with this machine's may be when a script is called.
_COMPARE_EVERY_S: Final = 5.0
#: After an answer that took longer it is unclear when the clock was read.
_SLOW_S: Final = 1.0
#: What `lua/keep_clock.lua` returns; anything else means that the clocks have to be compared again.
_KEPT: Final = 1
_REFUSED: Final = 0


def boot_clock() -> float:
    """Seconds since boot, where possible with the time asleep, so that a process notices that it was frozen."""
    return time.clock_gettime(_BOOT_CLOCK) if _BOOT_CLOCK is not None else time.monotonic()


class Reading(NamedTuple):
    """What the server knows, unix ms. `seen_ms`: its clock when the offset was last confirmed; -1 if it never was."""

    server_ms: int
    offset_ms: int
    seen_ms: int

    @property
    def start_ms(self) -> int:
        """The time that a new process expects: never earlier than what another process has seen."""
        if self.seen_ms < 0 or self.server_ms >= self.seen_ms - _AHEAD_MS:
            return self.server_ms + self.offset_ms
        return self.seen_ms + self.offset_ms


@dataclass(frozen=True, slots=True)
class _Known:
    """The steady clock said `steady_ms` when this machine had run for `boot_s`."""

    boot_s: float
    steady_ms: float

    def at(self, boot_s: float) -> float:
        return self.steady_ms + (boot_s - self.boot_s) * 1000


class Timekeeper:
    """Compares the server's clock with this machine's. Safe across threads and forks: both share the boot clock.

    `read` and `keep` run the scripts `read_clock` and `keep_clock`; what they raise is passed on.
    """

    def __init__(
        self,
        read: Callable[[], Reading],
        keep: Callable[[Sequence[int]], Any],
        boot_s: Callable[[], float],
    ) -> None:
        self._read = read
        self._keep = keep
        self._boot_s = boot_s
        self._known: _Known | None = None
        self._compared_s = float("-inf")

    def expected(self) -> str:
        """The time that scripts are given: what this process expects, or `0` if it does not know yet."""
        if self._boot_s() - self._compared_s >= _COMPARE_EVERY_S:
            self.compare()
        known = self._known
        return "0" if known is None else f"~{known.at(self._boot_s()):.0f}"

    def now_ms(self) -> int | None:
        """The steady clock's time by this machine's; None if the two were not compared of late, or never."""
        known = self._known if self._boot_s() - self._compared_s < _COMPARE_EVERY_S else None
        return None if known is None else round(known.at(self._boot_s()))

    def compare(self, *, confirm: bool = False) -> int:
        """Compare the clocks. Returns by how many ms the server's was set, 0 if it was not.

        `confirm`: record that this machine agrees with the offset.
        """
        before_s = self._boot_s()
        reading = self._read()
        self._compared_s = after_s = self._boot_s()
        if after_s - before_s > _SLOW_S:
            return 0
        read_s, known = (before_s + after_s) / 2, self._known
        expected_ms = reading.start_ms if known is None else known.at(read_s)
        steady_ms = reading.server_ms + reading.offset_ms
        moved_ms = round(steady_ms - expected_ms)
        if abs(moved_ms) <= TOLERANCE_MS:
            self._known = _Known(read_s, steady_ms)
            if confirm:
                self._keep([reading.offset_ms, reading.offset_ms, reading.server_ms])
            return 0
        kept = self._keep([reading.offset_ms, reading.offset_ms - moved_ms, reading.server_ms])
        if kept != _KEPT:
            self._compared_s = float("-inf")
            if kept == _REFUSED:
                # Another process was first, or this machine was the one that stood still.
                self._known = None
            return 0
        self._known = _Known(read_s, expected_ms)
        log.warning("store_clock_set", extra={"by_ms": moved_ms})
        return moved_ms
