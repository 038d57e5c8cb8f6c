"""Which requests are retried, as tenacity policies. Nothing below this layer retries.

A batch whose request failed may be planned again later: `campaigns.flow.outcome` decides that.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from campaigns.errors import NotSentError, OutcomeUnknownError


def read_policy(attempts: int, sleep: Callable[[float], None] = time.sleep) -> Retrying:
    """For requests that cost nothing: retried after every failure without a clear answer, at growing intervals."""
    return Retrying(
        retry=retry_if_exception_type((NotSentError, OutcomeUnknownError)),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.4, max=5.0),
        sleep=sleep,
        reraise=True,
    )


def paid_policy(sleep: Callable[[float], None] = time.sleep) -> Retrying:
    """For requests that cost money: retried once, within half a second, and only if not one byte was written."""
    return Retrying(
        retry=retry_if_exception_type(NotSentError),
        stop=stop_after_attempt(2),
        wait=wait_random_exponential(multiplier=0.2, max=0.5),
        sleep=sleep,
        reraise=True,
    )
