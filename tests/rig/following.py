"""Three days of following ten thousand batches, with the clock passed in: what polling costs, and how late it sees.

`python -m tests.rig.following` prints a table. Each batch's state changes at moments of its own; a poll that is due
waits for the account's limit, if there is one. The next poll is due when workers would poll.
"""

from __future__ import annotations

import argparse
import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from campaigns.flow.poll_schedule import next_poll_ms

HORIZON_MS = 72 * 3_600_000
FRACTION, MINIMUM_S = 0.25, 3.0
#: Ages (seconds) at which staleness is printed.
AGES = (10, 60, 600, 3_600, 6 * 3_600, 24 * 3_600, 72 * 3_600)


@dataclass
class Outcome:
    """`worst_s` and `bound_s` by age: the longest that a change waited to be seen, and what the formula allows."""

    polls_per_batch: float
    most_polls: int
    worst_s: list[float] = field(default_factory=lambda: [0.0] * len(AGES))

    @property
    def bound_s(self) -> list[float]:
        return [max(MINIMUM_S, FRACTION * age) for age in AGES]


def expected_polls() -> float:
    """The published formula."""
    return math.log(1 + FRACTION * 72 * 3600 / MINIMUM_S) / math.log(1 + FRACTION) + 1 / FRACTION


def simulate(batches: int, *, reads_per_s: float | None, spread_s: float, seed: int = 1) -> Outcome:
    """Follow `batches` that were accepted within `spread_s` seconds, each with five changes at chance ages.

    With `reads_per_s` polls share that rate, first due first.
    """
    random = Random(seed)
    starts = [round(random.uniform(0, spread_s) * 1000) for _ in range(batches)]
    changes = [sorted(10 ** random.uniform(3, math.log10(HORIZON_MS)) for _ in range(5)) for _ in range(batches)]
    due = [(start + round(MINIMUM_S * 1000), number) for number, start in enumerate(starts)]
    heapq.heapify(due)
    outcome, polls = Outcome(0.0, 0), [0] * batches
    free_ms, gap_ms = 0.0, 0.0 if reads_per_s is None else 1000 / reads_per_s
    while due:
        at_ms, number = heapq.heappop(due)
        now_ms = math.ceil(max(at_ms, free_ms))
        free_ms = max(at_ms, free_ms) + gap_ms
        polls[number] += 1
        _see(outcome, changes[number], now_ms - starts[number])
        end_ms = starts[number] + HORIZON_MS
        if now_ms < end_ms:
            next_ms = next_poll_ms(now_ms, starts[number], fraction=FRACTION, minimum_s=MINIMUM_S, end_ms=end_ms)
            heapq.heappush(due, (next_ms, number))
    outcome.polls_per_batch, outcome.most_polls = sum(polls) / batches, max(polls)
    return outcome


def _see(outcome: Outcome, waiting: list[float], age_ms: float) -> None:
    while waiting and waiting[0] <= age_ms:
        happened_ms = waiting.pop(0)
        where = next(i for i, age in enumerate(AGES) if happened_ms / 1000 <= age)
        outcome.worst_s[where] = max(outcome.worst_s[where], (age_ms - happened_ms) / 1000)


def table(outcomes: Sequence[tuple[str, Outcome]]) -> str:
    """For people."""
    lines = [f"polls per batch in 72 hours: formula {expected_polls():.1f}"]
    lines += [f"  {name}: {found.polls_per_batch:.1f}, at most {found.most_polls}" for name, found in outcomes]
    lines.append("a change is seen after at most (seconds):")
    lines.append(f"{'age up to':>12}{'formula':>10}" + "".join(f"{name:>24}" for name, _ in outcomes))
    for place, age in enumerate(AGES):
        worst = "".join(f"{found.worst_s[place]:>24.1f}" for _, found in outcomes)
        lines.append(f"{age:>10} s{outcomes[0][1].bound_s[place]:>10.1f}{worst}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.rig.following", description="Simulate three days of polling.")
    parser.add_argument("--batches", type=int, default=10_000)
    options = parser.parse_args()
    outcomes = [
        ("no limit", simulate(options.batches, reads_per_s=None, spread_s=600)),
        ("10 reads a second", simulate(options.batches, reads_per_s=10, spread_s=1000)),
        ("100 reads a second", simulate(options.batches, reads_per_s=100, spread_s=600)),
    ]
    print(table(outcomes))  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
