"""Measuring: medians of five, each measure beside its baseline in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RUNS = 5


@dataclass(frozen=True)
class Measure:
    """One line of the table. `ratio` is `value` to `baseline`; `wanted` says how it has to stand to `limit`."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    limit: float | None = None
    at_most: bool = True

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def judged(self) -> float:
        """What the limit is about: the ratio if there is a baseline, else the value."""
        return self.value if self.ratio is None else self.ratio

    @property
    def kept(self) -> bool:
        if self.limit is None:
            return True
        return self.judged <= self.limit if self.at_most else self.judged >= self.limit

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "kept": self.kept}


def median_s(act: Callable[[], object], runs: int = RUNS) -> float:
    """The median time of an act, in seconds."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def alternating_s(acts: list[Callable[[], object]], runs: int = RUNS) -> list[float]:
    """The medians of several acts that take turns, so that a noisy moment meets all of them."""
    times: list[list[float]] = [[] for _ in acts]
    for _ in range(runs):
        for number, act in enumerate(acts):
            started = time.perf_counter()
            act()
            times[number].append(time.perf_counter() - started)
    return [statistics.median(found) for found in times]


def resident_bytes() -> int:
    """Memory of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def table(measures: list[Measure]) -> str:
    """For people."""
    lines = [f"{'measure':<58}{'value':>12}  {'unit':<16}{'ratio':>8}  wanted"]
    for m in measures:
        wanted = "" if m.limit is None else f"{'at most' if m.at_most else 'at least'} {m.limit:g}"
        verdict = "" if m.limit is None else ("" if m.kept else "  MISSED")
        ratio = "" if m.ratio is None else f"{m.ratio:.2f}"
        lines.append(f"{m.name:<58}{m.value:>12.2f}  {m.unit:<16}{ratio:>8}  {wanted}{verdict}")
        if m.baseline is not None:
            lines.append(f"    against {m.baseline_name}: {m.baseline:.2f}")
    return "\n".join(lines)
