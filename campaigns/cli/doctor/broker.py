"""What the doctor checks of the broker."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.broker.bells import broker_problem
from campaigns.broker.options import place_of
from campaigns.cli.doctor.findings import FAIL, OK, Check, Finding
from campaigns.settings import Settings


def check_broker(settings: Settings) -> Check[str] | None:
    """Start the check, if the broker is another server than the store."""
    if not settings.broker_url or settings.broker_url == settings.redis_url:
        return None
    return Check(lambda: broker_problem(settings))


def of_broker(settings: Settings, check: Check[str] | None, until_s: float) -> Iterator[Finding]:
    """Whether the broker takes wake-ups."""
    if check is None:
        return
    remedy = "start it, and set CAMPAIGNS_BROKER_URL to its address, with its password"
    problem, place = check.result(until_s), place_of(settings)
    if problem == "":
        yield Finding(OK, "broker", place)
    else:
        yield Finding(FAIL, "broker", f"{place}: {problem or 'no answer in time'}", remedy)
