"""Comparisons in words. Pure."""

from __future__ import annotations

from typing import Final

from campaigns.evaluation.chance import Comparison
from campaigns.evaluation.values import Results

BEYOND: Final = (
    "“{best}” was read by {best_share} of those who got it, “{other}” by {other_share}. The difference is larger than "
    "chance explains ({interval}: {low} to {high} points)."
)
MAYBE: Final = (
    "“{best}” was read by {best_share} of those who got it, “{other}” by {other_share}. The difference may be chance "
    "({interval}: {low} to {high} points)."
)
ALONE: Final = "95% interval"
TOGETHER: Final = "95% interval, corrected for the number of mailings"
AT_RANDOM: Final = (
    "This is due to the texts only if the recipients were divided between the mailings at random. It does not say why "
    "the shares differ."
)
OPEN_YET: Final = "Some messages have no outcome yet, so this may change."


def comparison_lines(results: Results) -> list[str]:
    """Each comparison as a sentence, then what it does not say. Empty if nothing can be compared."""
    lines = [comparison_words(results, one) for one in results.comparisons]
    if lines and any(mailing.open for mailing in results.mailings):
        lines.append(OPEN_YET)
    return [*lines, AT_RANDOM] if lines else []


def comparison_words(results: Results, one: Comparison) -> str:
    """One comparison as a sentence."""
    return (BEYOND if one.beyond_chance else MAYBE).format(
        best=results.mailings[one.best].name,
        other=results.mailings[one.other].name,
        best_share=percent(one.best_share),
        other_share=percent(one.other_share),
        interval=ALONE if len(results.comparisons) == 1 else TOGETHER,
        low=points(one.low),
        high=points(one.high),
    )


def percent(share: float) -> str:
    """`12.1%` of a share from 0 to 1."""
    return f"{100 * share:.1f}%"


def points(difference: float) -> str:
    """`-1.5`: a difference of shares in percentage points."""
    return one_decimal(100 * difference)


def one_decimal(number: float) -> str:
    """`-1.5`; a number that would look like 0 shows its first digit: `-0.004`."""
    text = f"{number:.1f}"
    return text if float(text) or not number else f"{number:.1g}"
