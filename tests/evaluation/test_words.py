"""Comparisons in words."""

from __future__ import annotations

import pytest

from campaigns.evaluation.words import one_decimal, percent, points


@pytest.mark.parametrize(
    ("number", "text"),
    [(-1.25, "-1.2"), (3.5, "3.5"), (0.0, "0.0"), (-0.0037, "-0.004"), (0.04, "0.04"), (12.0, "12.0")],
)
def test_a_bound_near_zero_shows_its_side(number: float, text: str) -> None:
    """Whether an interval holds 0 decides what it means."""
    assert one_decimal(number) == text


def test_shares() -> None:
    assert (percent(0.1214), points(-0.015)) == ("12.1%", "-1.5")
