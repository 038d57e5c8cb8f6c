"""Times in a bounded number of buckets."""

from __future__ import annotations

from random import Random
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from campaigns.reports.timeline import DELIVERED, FAILED, READ, Timeline

NOON_MS = 1_772_355_600_000  # 2026-03-01 12:00 in Minsk
MINSK = ZoneInfo("Europe/Minsk")


def timeline(*times_ms: int, kind: int = READ) -> Timeline:
    line = Timeline()
    for at_ms in times_ms:
        line.add(at_ms, kind)
    return line


class TestBuckets:
    """Memory is bounded, and nothing is lost."""

    def test_many_times_over_a_year(self) -> None:
        random, line = Random(1), Timeline()
        for _ in range(20_000):
            line.add(NOON_MS + random.randrange(365 * 86_400_000), random.randrange(4))
        assert len(line) <= 2048
        chart = line.chart(MINSK)
        assert chart is not None
        assert sum(bar.total for bar in chart.bars) + chart.before + chart.after == 20_000
        assert len(chart.bars) <= 60

    @given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=60))
    def test_any_times(self, times_ms: list[int]) -> None:
        chart = timeline(*times_ms).chart(MINSK)
        assert chart is not None
        assert sum(bar.total for bar in chart.bars) + chart.before + chart.after == len(times_ms)
        assert 12 <= len(chart.bars) <= 60

    def test_nothing(self) -> None:
        assert Timeline().chart() is None


class TestChart:
    """What is drawn."""

    def test_kinds_are_apart(self) -> None:
        line = timeline(NOON_MS, NOON_MS + 999)
        line.add(NOON_MS + 1000, DELIVERED)
        line.add(NOON_MS + 1000, FAILED)
        chart = line.chart(MINSK)
        assert chart is not None
        assert [bar.counts for bar in chart.bars[:3]] == [(2, 0, 0, 0), (0, 1, 0, 1), (0, 0, 0, 0)]
        assert (chart.step_s, chart.bars[0].start_s) == (1, NOON_MS // 1000)

    def test_bars_begin_at_round_times_of_the_zone(self) -> None:
        days = timeline(*(NOON_MS + day * 86_400_000 for day in range(40)))
        chart = days.chart(MINSK)
        assert chart is not None
        assert chart.step_s == 86_400
        assert chart.bars[0].start_s * 1000 == NOON_MS - 12 * 3_600_000

    def test_a_tail_is_left_out_and_told(self) -> None:
        """One expiry days later must not squeeze everything into one bar."""
        chart = timeline(*(NOON_MS + n * 100 for n in range(1000)), NOON_MS + 3 * 86_400_000).chart(MINSK)
        assert chart is not None
        assert (chart.before, chart.after, chart.step_s) == (0, 1, 2)
        assert chart.last_s == NOON_MS // 1000 + 3 * 86_400

    def test_a_wrong_clock_long_ago(self) -> None:
        chart = timeline(1000, *(NOON_MS + n * 100 for n in range(1000))).chart(MINSK)
        assert chart is not None
        assert (chart.before, chart.after, chart.step_s, chart.first_s) == (1, 0, 2, 1)

    def test_the_scale_is_round_and_has_a_whole_half(self) -> None:
        for number, scale in ((1, 2), (3, 4), (8, 8), (9, 10), (11, 12), (13, 16), (101, 120), (3243, 4000)):
            chart = timeline(*([NOON_MS] * number)).chart(MINSK)
            assert chart is not None
            assert chart.scale == scale
