"""Whether two shares differ by more than chance explains, against published values and against chance itself."""

from __future__ import annotations

from random import Random

import pytest

from campaigns.evaluation.chance import Share, compared, difference_interval


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_published_values(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    assert difference_interval(Share(*first), Share(*second)) == pytest.approx((low, high), abs=0.00006)


def test_a_large_campaign() -> None:
    """So many recipients that the usual normal interval, 0.0173 to 0.0287, is exact to its third digit."""
    low, high = difference_interval(Share(2904, 24_000), Share(2352, 24_000))
    assert (low, high) == pytest.approx((0.01745, 0.02855), abs=0.0003)


def test_two_mailings() -> None:
    (one,) = compared([Share(980, 10_000), Share(1210, 10_000)])
    assert (one.best, one.other, one.level) == (1, 0, pytest.approx(0.95))
    assert one.difference == pytest.approx(0.023)
    assert one.beyond_chance


def test_what_may_be_chance() -> None:
    (one,) = compared([Share(103, 1000), Share(98, 1000)])
    assert not one.beyond_chance
    assert one.low < 0 < one.high


def test_three_mailings_are_corrected_for_three_pairs() -> None:
    two, three = compared([Share(1210, 10_000), Share(980, 10_000), Share(1195, 10_000)])
    assert (two.best, two.other, three.best, three.other) == (0, 1, 0, 2)
    assert two.level == three.level == pytest.approx(1 - 0.05 / 3)
    assert two.beyond_chance
    assert not three.beyond_chance
    alone = difference_interval(Share(1210, 10_000), Share(980, 10_000))
    assert two.low < alone[0] < alone[1] < two.high


def test_a_tiny_mailing_hides_no_difference() -> None:
    """One reader of five is a fifth, and says little."""
    tiny, large = compared([Share(1, 5), Share(1210, 10_000), Share(980, 10_000)])
    assert (tiny.best, tiny.other, large.best, large.other) == (1, 0, 1, 2)
    assert tiny.difference < 0
    assert not tiny.beyond_chance
    assert large.beyond_chance


@pytest.mark.parametrize("shares", [[], [Share(1, 2)], [Share(1, 2), Share(0, 0)]])
def test_nothing_to_compare(shares: list[Share]) -> None:
    assert compared(shares) == ()


def test_equal_mailings() -> None:
    (one,) = compared([Share(0, 50), Share(0, 50)])
    assert (one.best, one.beyond_chance) == (0, False)


@pytest.mark.parametrize("mailings", [2, 3, 5])
def test_chance_alone_seldom_looks_like_more(mailings: int) -> None:
    """Mailings with one text: at most one campaign of twenty may say that one of them was better."""
    random, wrong, campaigns = Random(7), 0, 800
    for _ in range(campaigns):
        shares = [Share(round(random.gauss(200, 180**0.5)), 2000) for _ in range(mailings)]
        wrong += any(one.beyond_chance for one in compared(shares))
    assert wrong / campaigns <= 0.065
