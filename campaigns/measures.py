"""What scripts count: the fields of the hashes of numbers, and the bounds of histograms.

A field is `<measure>|<label>|<label>...`, and its value a whole number that only grows. Scripts raise the fields of
their own states; what only this side knows of a request or of an answer comes to them as pairs of a field and a number.
`campaigns.metrics` describes each measure for readers of metrics.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

#: Stands for what is not one of few known words.
OTHER: Final = "other"
#: A field and by how much it grows.
Raise = tuple[str, int]


class Histogram(NamedTuple):
    """Spreads of durations. `bounds_s`: the upper bounds of its buckets, in seconds, each included."""

    measure: str
    bounds_s: tuple[float, ...]

    def raises(self, *labels: str, seconds: float, times: int = 1) -> list[Raise]:
        """What `times` observations of `seconds` raise: their bucket, and the sum in milliseconds."""
        bucket = bisect_left(self.bounds_s, seconds)
        le = f"{self.bounds_s[bucket]:g}" if bucket < len(self.bounds_s) else "+Inf"
        begin = "|".join((self.measure, *labels))
        return [(f"{begin}|{le}", times), (f"{begin}|sum", round(seconds * 1000) * times)]

    def raises_of_many(self, *labels: str, durations_ms: Sequence[int]) -> list[Raise]:
        """The same of many observations, which ascend."""
        begin, raised, before = "|".join((self.measure, *labels)), list[Raise](), 0
        for bound_s in self.bounds_s:
            up_to = bisect_right(durations_ms, round(bound_s * 1000))
            if up_to > before:
                raised.append((f"{begin}|{bound_s:g}", up_to - before))
            before = up_to
        if before < len(durations_ms):
            raised.append((f"{begin}|+Inf", len(durations_ms) - before))
        return [*raised, (f"{begin}|sum", sum(durations_ms))]

    @property
    def packed(self) -> str:
        """Its bounds as scripts take them: `10=0.01;25=0.025;...`."""
        return "".join(f"{round(bound * 1000)}={bound:g};" for bound in self.bounds_s)


#: From the leave to make a request until its whole answer is there. A request may take as long as the deadline.
REQUEST: Final = Histogram("request_s", (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30))
#: From the beginning of a campaign, or from the time for which it is scheduled, until a request of it was accepted.
ACCEPTANCE: Final = Histogram(
    "accepted_s", (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
)
#: From the claim of a request, or from its schedule, until the time at which a message had a status, by the gateway.
ARRIVAL: Final = Histogram("arrived_s", (1, 5, 15, 60, 300, 900, 3600, 14400, 43200, 86400, 259200))
#: From the gateway's time of a status until it was read here.
SEEING: Final = Histogram("seen_s", (1, 3, 10, 30, 60, 300, 900, 3600, 14400))


def flat(raises: list[Raise]) -> list[str | int]:
    """As arguments of a script: field, number, field, number, ..."""
    return [part for pair in raises for part in pair]
