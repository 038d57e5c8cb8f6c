"""Whether two shares differ by more than chance explains. Pure.

The interval of a difference is Newcombe's hybrid score interval (his method 10, Statistics in Medicine 17, 1998), made
of two of Wilson's. It also holds for small numbers, and for shares of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

#: How sure all comparisons of a campaign together are.
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole` messages."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """From 0 to 1; 0 if there is no whole."""
        return self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The shares of two mailings, `best` and `other` (their numbers in the job), and how far they lie apart.

    `low` and `high` bound the difference `best_share` - `other_share`, all from -1 to 1. `level` is the confidence of
    this one interval: the more mailings are compared, the closer to 1, so that all intervals hold together with 95 %.
    """

    best: int
    other: int
    best_share: float
    other_share: float
    low: float
    high: float
    level: float

    @property
    def difference(self) -> float:
        """How much larger the share of `best` is; negative where a mailing too small to be sure of has a larger one."""
        return self.best_share - self.other_share

    @property
    def beyond_chance(self) -> bool:
        """Whether the difference is larger than chance explains."""
        return self.low > 0


def difference_interval(first: Share, second: Share, level: float = CONFIDENCE) -> tuple[float, float]:
    """Newcombe's interval of `first` - `second` at a confidence `level` (0 to 1). Both need a whole above 0."""
    z = _z(level)
    (low_1, high_1), (low_2, high_2) = _wilson(first, z), _wilson(second, z)
    one, two = first.value, second.value
    below = sqrt((one - low_1) ** 2 + (high_2 - two) ** 2)
    above = sqrt((high_1 - one) ** 2 + (two - low_2) ** 2)
    return one - two - below, one - two + above


def compared(shares: Sequence[Share]) -> tuple[Comparison, ...]:
    """The best share against each other one, in the order of `shares`; those without a whole are left out.

    The best is the one whose interval begins highest. By its value alone, one of five could hide a difference between
    thousands. The same numbers choose it, so Bonferroni's correction counts every pair that could have been chosen.
    """
    numbers = [number for number, share in enumerate(shares) if share.whole]
    if len(numbers) < 2:
        return ()
    pairs = len(numbers) * (len(numbers) - 1) // 2
    level = 1 - (1 - CONFIDENCE) / pairs
    z = _z(level)
    best = max(numbers, key=lambda number: (_wilson(shares[number], z)[0], shares[number].value, -number))
    return tuple(_comparison(best, other, shares, level) for other in numbers if other != best)


def _comparison(best: int, other: int, shares: Sequence[Share], level: float) -> Comparison:
    low, high = difference_interval(shares[best], shares[other], level)
    return Comparison(best, other, shares[best].value, shares[other].value, low, high, level)


def _z(level: float) -> float:
    """Standard deviations to either side that hold `level` of a normal distribution: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _wilson(share: Share, z: float) -> tuple[float, float]:
    """Wilson's interval of one share."""
    n, p = share.whole, share.value
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - reach, middle + reach
