"""Results by mailing as a table and in sentences."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from campaigns.cli.output.results_table import result_lines, results_table
from campaigns.cli.output.screen import Screen
from campaigns.evaluation import Results
from tests.reports.test_layout import results


def shown(found: Results, width: int, *, terminal: bool) -> list[str]:
    screen = Screen(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None, highlight=False)
    screen.print(results_table(found))
    return screen.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("width", "terminal", "beside"), [(80, True, 1), (150, True, 2), (220, True, 3), (240, False, 1)]
)
def test_side_by_side(width: int, terminal: bool, beside: int) -> None:
    """As many as fit; programs find one table below the other."""
    lines = shown(results(3), width, terminal=terminal)
    heads = [line for line in lines if line.lstrip().startswith("sent ")]
    assert [line.count("sent ") for line in heads] == {1: [1, 1, 1], 2: [2, 1], 3: [3]}[beside]
    assert [name for name in ("Text 0", "Text 1", "Text 2") if name in lines[0]] == [f"Text {n}" for n in range(beside)]
    assert sum(line.count("333,334") for line in lines) == 3
    if width == 80:
        assert max(map(len, lines[: 4 * 3])) <= 80


def test_the_busiest_hour() -> None:
    """It is named only if enough people read."""
    found = results(1)
    assert "The busiest hour is 12:00 to 13:00 in Europe/Minsk (100.0% of all reads)." in list(result_lines(found))
    few = replace(found, read_hours=(49, *(0,) * 23))
    assert not any("hour" in line for line in result_lines(few))
