"""The line of a file in which each row begins, in little memory."""

from __future__ import annotations

from array import array
from bisect import bisect_right


class Lines:
    """Maps row numbers to lines. It stores only the rows where the difference between line and row changes."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._lines = array("Q")

    def note(self, number: int, line: int) -> None:
        """Note that row `number` (from 0) begins in `line`. Call it in the order of the rows."""
        if not self._numbers or line - number != self._lines[-1] - self._numbers[-1]:
            self._numbers.append(number)
            self._lines.append(line)

    def line(self, number: int) -> int:
        """The line of row `number`."""
        at = bisect_right(self._numbers, number) - 1
        return number + 1 if at < 0 else self._lines[at] + number - self._numbers[at]
