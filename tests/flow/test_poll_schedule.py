"""When the next poll is due: the published formula, and what it costs."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from campaigns.flow.poll_schedule import next_poll_ms, poll_fraction, reply_fraction
from campaigns.settings import Settings

HOUR_MS = 3_600_000


def polls(hours: float, fraction: float, minimum_s: float) -> list[int]:
    """The times (ms) of all polls of a batch that is sent at 0."""
    end_ms, now_ms, found = round(hours * HOUR_MS), 0, []
    while now_ms < end_ms:
        now_ms = next_poll_ms(now_ms, 0, fraction=fraction, minimum_s=minimum_s, end_ms=end_ms)
        found.append(now_ms)
    return found


def test_cost_of_three_days() -> None:
    assert len(polls(72, 0.25, 3.0)) == 49


def test_a_single_message_costs_a_quarter_of_that() -> None:
    settings = Settings()
    fractions = (poll_fraction(settings, 1), reply_fraction(settings, 1))
    assert sum(len(polls(72, fraction, settings.poll_min_s)) for fraction in fractions) <= 25
    assert poll_fraction(settings, 2) == reply_fraction(settings, 2) == settings.poll_fraction


@given(st.floats(0.1, 2), st.floats(0.5, 60))
def test_cost_and_staleness_are_bounded(fraction: float, minimum_s: float) -> None:
    found = polls(72, fraction, minimum_s)
    expected = math.log(1 + fraction * 72 * 3600 / minimum_s) / math.log(1 + fraction) + 1 / fraction
    assert len(found) <= expected + 2
    for before, after in itertools.pairwise(found):
        assert after - before <= max(minimum_s * 1000, fraction * before) + 1


def test_the_last_poll_is_at_the_horizon() -> None:
    assert polls(1, 0.25, 3.0)[-1] == HOUR_MS


def test_a_schedule_is_waited_for() -> None:
    assert next_poll_ms(0, 10_000, fraction=0.25, minimum_s=3, end_ms=HOUR_MS) == 13_000
