"""When messages reached their status, in a bounded number of buckets. Pure.

Times come in any order and from any range: once there are too many buckets, each becomes twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

#: The kinds that the chart distinguishes, from the bottom of a bar up.
READ, DELIVERED, MOVING, FAILED = range(4)
KINDS: Final = ("read", "delivered", "on the way", "failed")

_MOST_BUCKETS: Final = 2048
_MOST_BARS: Final = 60
#: Fewer bars than this would be too broad, so empty ones are added.
_LEAST_BARS: Final = 12
#: A tail is left out of the chart and reported in words if it holds at most this share of all messages ...
_TAIL: Final = 0.1
#: ... and the whole time is at least this many times the shortest time that holds the other messages.
_FINER: Final = 8
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS_S: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 28, 91, 364)),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """Messages by kind whose time is from `start_s` (unix seconds) on, for the length of a bar."""

    start_s: int
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of `step_s` seconds each without gaps, and how many messages came before and after them."""

    bars: tuple[Bar, ...]
    step_s: int
    before: int
    after: int
    first_s: int
    last_s: int

    @property
    def highest(self) -> int:
        return max((bar.total for bar in self.bars), default=0)

    @property
    def scale(self) -> int:
        """A round number, with a whole half, that no bar exceeds."""
        ten = 1
        while True:
            for leading in (10, 12, 16, 20, 30, 40, 50, 60, 80):
                top, tenths = divmod(leading * ten, 10)
                if top >= self.highest and top % 2 == tenths == 0:
                    return top
            ten *= 10


class Timeline:
    """Counts by kind over time, at most 2,048 numbers of each kind however many messages are added."""

    def __init__(self) -> None:
        self._width_s = 1
        self._buckets: dict[int, list[int]] = {}

    def add(self, at_ms: int, kind: int) -> None:
        """One message that reached a status of `kind` at `at_ms`, unix milliseconds."""
        number = at_ms // (1000 * self._width_s)
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = [0] * len(KINDS)
            while len(self._buckets) > _MOST_BUCKETS:
                self._double()
                bucket = self._buckets[at_ms // (1000 * self._width_s)]
        bucket[kind] += 1

    def __len__(self) -> int:
        """How many buckets there are."""
        return len(self._buckets)

    def chart(self, zone: tzinfo = UTC) -> Chart | None:
        """At most 60 bars that begin at round times in `zone`; None if nothing was added."""
        if not self._buckets:
            return None
        starts = sorted(self._buckets)
        first, last = self._window(starts)
        low_s, high_s = first * self._width_s, last * self._width_s
        shift_s = _offset_s(low_s, zone)
        step_s = next((s for s in _STEPS_S if s >= self._width_s and _bars(low_s, high_s, s, shift_s) <= _MOST_BARS), 0)
        step_s = step_s or -(-(high_s - low_s + 1) // (_MOST_BARS - 1))
        base = (low_s + shift_s) // step_s
        bars = max(_bars(low_s, high_s, step_s, shift_s), _LEAST_BARS)
        counts = [[0] * len(KINDS) for _ in range(bars)]
        before = after = 0
        for start in starts:
            if first <= start <= last:
                bar = counts[(start * self._width_s + shift_s) // step_s - base]
                for kind, number in enumerate(self._buckets[start]):
                    bar[kind] += number
            elif start < first:
                before += sum(self._buckets[start])
            else:
                after += sum(self._buckets[start])
        drawn = tuple(Bar((base + n) * step_s - shift_s, tuple(row)) for n, row in enumerate(counts))
        return Chart(drawn, step_s, before, after, starts[0] * self._width_s, (starts[-1] + 1) * self._width_s - 1)

    def _double(self) -> None:
        self._width_s *= 2
        merged: dict[int, list[int]] = {}
        for number, counts in self._buckets.items():
            into = merged.setdefault(number // 2, [0] * len(KINDS))
            for kind, count in enumerate(counts):
                into[kind] += count
        self._buckets = merged

    def _window(self, starts: list[int]) -> tuple[int, int]:
        """The first and last bucket of the chart: all, or all without tails that would flatten it."""
        totals = [sum(self._buckets[start]) for start in starts]
        enough, inside, low = sum(totals) * (1 - _TAIL), 0, 0
        first, last = starts[0], starts[-1]
        for high, total in enumerate(totals):
            inside += total
            while inside - totals[low] >= enough:
                inside -= totals[low]
                low += 1
            if inside >= enough and starts[high] - starts[low] < last - first:
                first, last = starts[low], starts[high]
        # Buckets close to the densest part are shown as well.
        span = last - first + 1
        if starts[-1] - starts[0] + 1 < _FINER * span:
            return starts[0], starts[-1]
        near = [start for start in starts if first - span <= start <= last + span]
        return near[0], near[-1]


def _bars(low_s: int, high_s: int, step_s: int, shift_s: int) -> int:
    return (high_s + shift_s) // step_s - (low_s + shift_s) // step_s + 1


def _offset_s(at_s: int, zone: tzinfo) -> int:
    """How far the clocks of `zone` are ahead of UTC; 0 for times that no calendar has."""
    try:
        offset = datetime.fromtimestamp(at_s, tz=zone).utcoffset()
    except (ValueError, OverflowError, OSError):
        return 0
    return round(offset.total_seconds()) if offset else 0
