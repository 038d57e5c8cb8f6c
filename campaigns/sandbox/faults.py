"""Faults that can be ordered: what goes wrong, in which method, how often.

`refuse` and `refuse_account`, `reset_before`, `hang_before`, `error_500_before`, `too_many`: nothing happens
at the gateway. `reset_after`, `hang_after`, `error_500_after`, `slow`, `drip`, `cut_headers`, `cut_body`,
`garbage`, `html`, `redirect`: the request is carried out and paid for, and then the answer goes wrong.
`hide_listing` answers without what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Any, Final

from campaigns.sandbox.records import Refusal

BEFORE: Final = frozenset(
    {"refuse", "refuse_account", "no_money", "reset_before", "hang_before", "error_500_before", "too_many"}
)
AFTER: Final = frozenset(
    {
        "reset_after",
        "hang_after",
        "error_500_after",
        "slow",
        "drip",
        "cut_headers",
        "cut_body",
        "garbage",
        "html",
        "redirect",
        "hide_listing",
    }
)
ANY: Final = "any"


@dataclass(slots=True)
class Fault:
    """One order. `times` counts down; None is for ever. `delay_s` is for those that take time."""

    fault: str
    method: str = ANY
    times: int | None = 1
    probability: float = 1.0
    seed: int | None = None
    delay_s: float = 60.0
    retry_after: str | None = None
    text: str | None = None
    random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 (repeatable chance is the point)

    def as_dict(self) -> dict[str, Any]:
        names = ("fault", "method", "times", "probability", "seed", "delay_s", "retry_after", "text")
        return {name: getattr(self, name) for name in names}


class Faults:
    """The orders that stand, oldest first."""

    def __init__(self, methods: frozenset[str]) -> None:
        self._methods = methods
        self._lock = Lock()
        self._orders: list[Fault] = []

    def order(self, document: Any) -> Fault:
        """Raises Refusal (400) for what cannot be ordered."""
        if not isinstance(document, dict):
            raise Refusal("A fault must be an object", 400)
        try:
            fault = Fault(**document)
        except TypeError as error:
            raise Refusal(f"Not a fault: {error}", 400) from None
        if fault.fault not in BEFORE | AFTER:
            raise Refusal(f"No fault {fault.fault!r}; there are {', '.join(sorted(BEFORE | AFTER))}", 400)
        if fault.method not in {*self._methods, ANY}:
            raise Refusal(f"No method {fault.method!r}", 400)
        with self._lock:
            self._orders.append(fault)
        return fault

    def next(self, method: str) -> Fault | None:
        """The fault that this request meets, if any."""
        with self._lock:
            for fault in self._orders:
                if fault.method not in {method, ANY} or fault.times == 0:
                    continue
                if fault.random.random() >= fault.probability:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def standing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.as_dict() for fault in self._orders if fault.times != 0]

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()
