"""What is noted of each request to the gateway: its method, its outcome and duration, and the gateway's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

from campaigns.errors import (
    AccountRefusedError,
    ContentRefusedError,
    GatewayError,
    NotSentError,
    OutcomeUnknownError,
    TooManyRequestsError,
)
from campaigns.gateway.meaning import Answer, clock_s
from campaigns.measures import REQUEST, Raise

T = TypeVar("T")

OK: Final = "ok"
#: Those of a request that was made. Each is one of the errors that a method of `Gateway` raises.
OUTCOMES: Final[dict[type[GatewayError], str]] = {
    ContentRefusedError: "content_refused",
    AccountRefusedError: "account_refused",
    TooManyRequestsError: "too_many",
    NotSentError: "not_written",
    OutcomeUnknownError: "doubt",
}


#: The answer to a request that took longer may bear the time at which the gateway began to work on it.
_TELLS_TIME_S: Final = 2.0


class Made(NamedTuple):
    """A request that was made, or tried: `outcome` is `ok` or one of `OUTCOMES`.

    `clock_s`: the gateway's clock less this process's monotonic clock, in seconds; None if the answer does not say.
    """

    method: str
    outcome: str
    seconds: float
    clock_s: float | None = None


#: Where requests are noted, in their order.
Notes = list[Made]


def noting(notes: Notes, method: str, send: Callable[[], Answer], understand: Callable[[Answer], T]) -> T:
    """What `understand` makes of the answer that `send` brings. Raises what they raise; the request is noted."""
    began_s = time.monotonic()
    took_s = None
    try:
        answer = send()
        took_s = time.monotonic() - began_s
        understood = understand(answer)
    except GatewayError as error:
        notes.append(Made(method, OUTCOMES[type(error)], took_s or time.monotonic() - began_s))
        raise
    notes.append(Made(method, OK, took_s, _clock_s(answer, began_s + took_s)))
    return understood


def _clock_s(answer: Answer, monotonic_s: float) -> float | None:
    wall_s = clock_s(answer)
    return None if wall_s is None else wall_s - monotonic_s


def clock_ms(notes: Sequence[Made]) -> int | None:
    """The gateway's clock now, unix milliseconds, by the last request that tells; None if none does."""
    told = [made.clock_s for made in notes if made.clock_s is not None and made.seconds <= _TELLS_TIME_S]
    return round((told[-1] + time.monotonic()) * 1000) if told else None


def correct(notes: Notes, error: GatewayError) -> None:
    """The last request failed after all: its answer was read later, and said no."""
    if notes:
        notes[-1] = notes[-1]._replace(outcome=OUTCOMES[type(error)])


def raises_of(notes: Iterable[Made]) -> list[Raise]:
    """What requests raise."""
    found: list[Raise] = []
    for made in notes:
        found.append((f"request|{made.method}|{made.outcome}", 1))
        found += REQUEST.raises(made.method, seconds=made.seconds)
    return found
