"""The lines of a file in which its rows begin."""

from __future__ import annotations

from array import array
from bisect import bisect_right


class Lines:
    """The line of each row: kept only where the distance to the row's number changes."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._lines = array("Q")

    def note(self, number: int, line: int) -> None:
        """Row `number` (from 0) begins in `line`; rows are noted in their order."""
        if not self._numbers or line - number != self._lines[-1] - self._numbers[-1]:
            self._numbers.append(number)
            self._lines.append(line)

    def line(self, number: int) -> int:
        """The line of row `number`."""
        at = bisect_right(self._numbers, number) - 1
        return number + 1 if at < 0 else self._lines[at] + number - self._numbers[at]
