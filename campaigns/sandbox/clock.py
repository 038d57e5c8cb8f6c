"""Two clocks: wall time, and the life time of deliveries, which may run faster.

Times that callers compare with their own clock (creation, schedules, times in answers) are wall time. The steps of a
delivery go by life time: at speed 60 a minute of it passes in a second.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable


def wall_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


class LifeClock:
    """Maps wall milliseconds to life milliseconds and back; the speed may change on the way."""

    def __init__(self, speed: float = 1.0, now_ms: Callable[[], int] = wall_ms) -> None:
        self.now_ms = now_ms
        self._walls = [float(now_ms())]
        self._lives = [0.0]
        self._speeds = [_checked(speed)]

    @property
    def speed(self) -> float:
        return self._speeds[-1]

    def set_speed(self, speed: float) -> None:
        """From now on life runs at `speed`. Raises ValueError unless it is above zero."""
        now = float(self.now_ms())
        life = self.life_at(now)
        self._speeds.append(_checked(speed))
        self._walls.append(now)
        self._lives.append(life)

    def life_at(self, at_ms: float) -> float:
        """The life time at a wall time, past or future, in milliseconds."""
        part = max(bisect_right(self._walls, at_ms) - 1, 0)
        return self._lives[part] + (at_ms - self._walls[part]) * self._speeds[part]

    def wall_at(self, life_ms: float) -> float:
        """The wall time, Unix milliseconds, at which life reaches `life_ms`."""
        part = max(bisect_right(self._lives, life_ms) - 1, 0)
        return self._walls[part] + (life_ms - self._lives[part]) / self._speeds[part]


def _checked(speed: float) -> float:
    if not 0 < speed < 1e9:
        raise ValueError("speed must be above zero")
    return speed
