"""What changes of deliveries count for: how many reached a status, how soon, and how soon we saw it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set

from campaigns.measures import ARRIVAL, OTHER, SEEING, Raise
from campaigns.results.intake import Change
from campaigns.statuses import DELIVERED, READ, UNKNOWN_FINAL, is_known


def raises_of(changes: Iterable[Change], final: Set[str], followed_ms: int, seen_ms: int) -> list[Raise]:
    """What changes raise, seen at `seen_ms` and followed since `followed_ms` (unix ms).

    The gateway's times are whole seconds, so few of them differ, and many changes are counted as one. UNKNOWN_FINAL is
    not the gateway's word, and has no time of its own.
    """
    raised = Counter[str]()
    for (status, at_ms), times in Counter((change.status, change.at_ms) for change in changes).items():
        raised[f"status|{status if is_known(status, final) else OTHER}"] += times
        if status == UNKNOWN_FINAL:
            continue
        _add(raised, SEEING.raises(seconds=max(0, seen_ms - at_ms) / 1000, times=times))
        if status in {DELIVERED, READ}:
            _add(raised, ARRIVAL.raises(status, seconds=max(0, at_ms - followed_ms) / 1000, times=times))
    return list(raised.items())


def _add(raised: Counter[str], more: Iterable[Raise]) -> None:
    for field, number in more:
        raised[field] += number
