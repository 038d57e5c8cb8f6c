"""What changes of deliveries count for: how many reached a status, how soon, and how soon we saw it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Set

from campaigns.measures import ARRIVAL, OTHER, SEEING, Raise
from campaigns.results.changes import Change
from campaigns.statuses import DELIVERED, READ, UNKNOWN_FINAL, is_known


def raises_of(changes: Iterable[Change], final: Set[str], followed_ms: int, seen_ms: int) -> list[Raise]:
    """What changes raise, seen at `seen_ms` and followed since `followed_ms` (unix ms).

    UNKNOWN_FINAL is not the gateway's word, and has no time of its own.
    """
    times: dict[str, list[int]] = defaultdict(list)
    for change in changes:
        times[change.status].append(change.at_ms)
    raised = Counter[str]()
    for status, at_ms in times.items():
        raised[f"status|{status if is_known(status, final) else OTHER}"] += len(at_ms)
        if status != UNKNOWN_FINAL:
            _add(raised, SEEING.raises_of_many(durations_ms=_sorted(seen_ms - at for at in at_ms)))
        if status in {DELIVERED, READ}:
            _add(raised, ARRIVAL.raises_of_many(status, durations_ms=_sorted(at - followed_ms for at in at_ms)))
    return list(raised.items())


def _sorted(durations_ms: Iterable[int]) -> list[int]:
    """In ascending order. Clocks differ: nothing took less than no time."""
    return sorted([duration if duration > 0 else 0 for duration in durations_ms])


def _add(raised: Counter[str], more: Iterable[Raise]) -> None:
    for field, number in more:
        raised[field] += number
