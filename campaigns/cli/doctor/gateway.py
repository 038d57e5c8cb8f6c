"""What the doctor checks of the gateway, by a request that costs nothing: its address, tokens, pauses, clocks."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

from campaigns.accounts.pauses import ends_with_the_day
from campaigns.cli.doctor.findings import FAIL, OK, SKIP, WARN, Finding
from campaigns.cli.output.budget_words import budget_words
from campaigns.cli.output.progress import duration
from campaigns.errors import (
    AccountRefusedError,
    GatewayError,
    PermitDeniedError,
    StoreError,
    TooManyRequestsError,
)
from campaigns.services import Services
from campaigns.settings import DEFAULT_ACCOUNT, Settings, token_variable
from campaigns.text.wording import counted, money
from campaigns.wiring import unlimited_gateway

_SKEW_S = 5.0


class Asked(NamedTuple):
    """The answer for an account: seconds by which the gateway's clock is ahead (None: unknown), or an error."""

    ahead_s: float | None = None
    error: GatewayError | None = None

    @property
    def answered(self) -> bool:
        """Whether the gateway itself answered, even with a refusal."""
        status = None if self.error is None else self.error.http_status
        return self.error is None or (status is not None and status < 500)


def ask(services: Services, account: str) -> Asked:
    """Make a free request for an account. Without a store it has no permit, but then workers make no requests either.

    The workers' gateway object is not used, because it pauses a refused account, and the token here may be another.
    """
    gateway = unlimited_gateway(services.settings, account)
    try:
        try:
            with services.limiter.read_permit(account, "getViberMessages"):
                clock_s = gateway.clock_s()
        except StoreError:
            clock_s = gateway.clock_s()
    except GatewayError as error:
        return Asked(error=error)
    return Asked(None if clock_s is None else clock_s - time.time())


def of_gateway(settings: Settings, asked: Mapping[str, Asked | None]) -> Finding:
    """Whether the gateway can be reached, judged by the requests for all accounts. None: no answer in time."""
    url = urlsplit(settings.gateway_url)
    place = f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}"
    tried = [one for one in asked.values() if one is None or not isinstance(one.error, PermitDeniedError)]
    if any(one is not None and one.answered for one in tried):
        return Finding(OK, "gateway", place)
    if tried:
        why = next((str(one.error) for one in tried if one is not None), "no answer in time")
        return Finding(FAIL, "gateway", f"{place}: {why}", "check CAMPAIGNS_GATEWAY_URL, the network and its proxy")
    with suppress(OSError), socket.create_connection((url.hostname or "", url.port or _port(url.scheme)), timeout=1):
        return Finding(OK, "gateway", f"{place} accepts connections; no request was made")
    return Finding(FAIL, "gateway", f"{place} accepts no connections", "check CAMPAIGNS_GATEWAY_URL and the network")


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def of_tokens(settings: Settings, asked: Mapping[str, Asked | None]) -> Iterator[Finding]:
    """Whether each account has a token that the gateway accepts."""
    if not settings.accounts:
        variable = token_variable(DEFAULT_ACCOUNT)
        yield Finding(FAIL, "token", "no account has one", f"set {variable}, or {variable}_FILE")
    for account, one in asked.items():
        what, error = f"token of {account}", None if one is None else one.error
        if one is None or not one.answered:
            if isinstance(error, PermitDeniedError):
                yield Finding(SKIP, what, error.reason, "run campaigns doctor again in a minute")
            else:
                yield Finding(SKIP, what, "the gateway does not answer")
        elif isinstance(error, AccountRefusedError):
            remedy = (
                f"check {token_variable(account)} and CAMPAIGNS_GATEWAY_URL, then: campaigns resume-account {account}"
            )
            yield Finding(FAIL, what, str(error), remedy)
        elif isinstance(error, TooManyRequestsError):
            yield Finding(WARN, what, str(error), "wait, and lower CAMPAIGNS_RATE_LIMIT if it happens again")
        elif error is not None:
            yield Finding(WARN, what, str(error), "ask the gateway's operators")
        else:
            yield Finding(OK, what, "accepted by the gateway")


def account_pauses(services: Services) -> Iterator[Finding]:
    """Which accounts are paused. Raises StoreError."""
    for account in services.settings.all_accounts:
        if (account_pause := services.limiter.pause_of(account)) is None:
            yield Finding(OK, f"account {account}", "is not paused")
        else:
            until_ms, reason = account_pause
            left_s = (until_ms - services.now_ms()) / 1000
            remedy = _remedy_of_pause(account, reason)
            yield Finding(WARN, f"account {account}", f"is paused for {duration(left_s)}: {reason}", remedy)


def _remedy_of_pause(account: str, reason: str) -> str:
    if ends_with_the_day(reason):
        return f"the pause ends with the day; to end it earlier: campaigns budget raise {account} AMOUNT --why REASON"
    return f"the pause ends by itself; once its cause is fixed, to end it now: campaigns resume-account {account}"


def account_budgets(services: Services) -> Iterator[Finding]:
    """What is used of today's budgets, and those that do not pay for one full request. Raises StoreError."""
    settings = services.settings
    spent = services.budgets.spent(services.store, settings.all_accounts, services.now_ms())
    for account, today in spent.items():
        what, found = f"budget of {account}", budget_words(today)
        price = settings.message_cost or Decimal(0)
        if today.fits_no_day(settings.recipients_per_request, price):
            remedy = services.budgets.remedy(account)
            most = f"{settings.recipients_per_request:,} recipients"
            yield Finding(WARN, what, f"{found}; a request to {most}, the most that it may have, costs more", remedy)
        else:
            yield Finding(OK, what, found)


def account_prices(services: Services) -> Iterator[Finding]:
    """Whether messages cost what is expected. Raises StoreError."""
    settings = services.settings
    if settings.message_cost is None:
        return
    for account, price in services.budgets.prices(services.store, settings.all_accounts, services.now_ms()).items():
        found = f"today {counted(price.messages, 'message')} cost {money(price.charged / price.messages)} on average"
        what, expected = f"price of {account}", f"{money(settings.message_cost)} is expected"
        remedy = "check the texts against their templates, or correct CAMPAIGNS_MESSAGE_COST" if price.drifted else ""
        yield Finding(WARN if price.drifted else OK, what, f"{found}; {expected}", remedy)


def of_clock(server_ahead_s: float | None, asked: Mapping[str, Asked | None]) -> Finding:
    """Whether the clocks of this machine, the server and the gateway agree."""
    ahead = [one.ahead_s for one in asked.values() if one is not None and one.ahead_s is not None]
    apart = {"this machine": server_ahead_s} if server_ahead_s is not None else {}
    if ahead:
        apart["the gateway"] = ahead[0] - (server_ahead_s or 0.0)
    if not apart:
        return Finding(SKIP, "clock", "there is no other clock to compare with")
    base = "this machine's" if server_ahead_s is None else "the server's"
    found = ", ".join(f"{name} {abs(seconds):,.1f} s from {base}" for name, seconds in apart.items())
    if all(abs(seconds) <= _SKEW_S for seconds in apart.values()):
        return Finding(OK, "clock", found)
    return Finding(
        WARN,
        "clock",
        found,
        "synchronise them with NTP: after a timeout, messages are found by their time",
    )
