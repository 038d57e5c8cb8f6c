"""Faults that can be ordered: what goes wrong, in which method, how often.

`refuse`, `refuse_account`, `no_money`, `reset_before`, `hang_before`, `error_500_before`, `too_many`: the request
is not carried out. `reset_after`, `hang_after`, `error_500_after`, `slow`, `drip`, `cut_headers`, `cut_body`,
`garbage`, `html`, `redirect`: the request is carried out and paid for, and its answer is lost or spoilt.
`hide_listing` answers with an empty list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from random import Random
from threading import Lock
from typing import Any, Final

from campaigns.sandbox.models import Refusal

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
_LONGEST_S: Final = 86_400


@dataclass(slots=True)
class Fault:
    """One order. `times` counts down, None has no end; `struck` counts up. `delay_s` is for hang, slow and drip."""

    fault: str
    method: str = ANY
    times: int | None = 1
    probability: float = 1.0
    seed: int | None = None
    delay_s: float = 60.0
    retry_after: str | None = None
    text: str | None = None
    id: int = field(init=False, default=0)
    struck: int = field(init=False, default=0)
    random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.times is not None and (type(self.times) is not int or self.times < 0):
            raise ValueError("times must be a whole number or null")
        if not _is_number(self.probability) or not 0 <= self.probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        if not _is_number(self.delay_s) or not 0 <= self.delay_s <= _LONGEST_S:
            raise ValueError(f"delay_s must be between 0 and {_LONGEST_S}")
        if not all(value is None or isinstance(value, str) for value in (self.retry_after, self.text)):
            raise ValueError("retry_after and text must be text or null")
        if "\n" in (self.retry_after or "") or "\r" in (self.retry_after or ""):
            raise ValueError("retry_after must be one line")
        self.random = Random(self.seed)  # noqa: S311 (repeatable chance is the point)

    def as_dict(self) -> dict[str, Any]:
        names = ("id", "fault", "method", "times", "probability", "seed", "delay_s", "retry_after", "text", "struck")
        return {name: getattr(self, name) for name in names}


class Faults:
    """The active orders, oldest first."""

    def __init__(self, methods: frozenset[str]) -> None:
        self._methods = methods
        self._lock = Lock()
        self._orders: list[Fault] = []
        self._ids = count(1)

    @property
    def methods(self) -> list[str]:
        """What a fault can be ordered for, besides `any`."""
        return sorted(self._methods)

    def order(self, document: Any) -> Fault:
        """Raises Refusal (400) for what cannot be ordered."""
        if not isinstance(document, dict):
            raise Refusal("A fault must be an object", 400)
        try:
            fault = Fault(**document)
        except (TypeError, ValueError) as error:
            raise Refusal(f"Not a fault: {error}", 400) from None
        if fault.fault not in BEFORE | AFTER:
            raise Refusal(f"No fault {fault.fault!r}; there are {', '.join(sorted(BEFORE | AFTER))}", 400)
        if fault.method not in {*self._methods, ANY}:
            raise Refusal(f"No method {fault.method!r}", 400)
        with self._lock:
            fault.id = next(self._ids)
            self._orders.append(fault)
        return fault

    def next(self, method: str) -> Fault | None:
        """The fault that applies to this request, if any."""
        with self._lock:
            for fault in self._orders:
                if fault.method not in {method, ANY} or fault.times == 0:
                    continue
                if fault.random.random() >= fault.probability:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                fault.struck += 1
                return fault
        return None

    def progress(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.as_dict() for fault in self._orders if fault.times != 0]

    def withdraw(self, number: int) -> None:
        """Remove the ordered fault with the id `number`. Raises Refusal (404) if it is not active."""
        with self._lock:
            left = [fault for fault in self._orders if fault.id != number]
            if len(left) == len(self._orders):
                raise Refusal("No such fault is active", 404)
            self._orders = left

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
