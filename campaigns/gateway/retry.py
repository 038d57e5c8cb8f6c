"""What is tried again, as tenacity policies. One layer per cause: nothing below retries by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from campaigns.errors import NotSentError, OutcomeUnknownError


def read_policy(attempts: int, sleep: Callable[[float], None] = time.sleep) -> Retrying:
    """For requests that cost nothing: tried again whenever no clear answer came, ever more slowly."""
    return Retrying(
        retry=retry_if_exception_type((NotSentError, OutcomeUnknownError)),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.4, max=5.0),
        sleep=sleep,
        reraise=True,
    )


def paid_policy(sleep: Callable[[float], None] = time.sleep) -> Retrying:
    """For requests that cost money: tried again, once and soon, only when not one byte was written."""
    return Retrying(
        retry=retry_if_exception_type(NotSentError),
        stop=stop_after_attempt(2),
        wait=wait_random_exponential(multiplier=0.2, max=0.5),
        sleep=sleep,
        reraise=True,
    )
