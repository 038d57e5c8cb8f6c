"""What the doctor checks of the gateway, by a request that costs nothing: its address, tokens, pauses, clocks."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from campaigns.cli.doctor.findings import FAIL, OK, SKIP, WARN, Finding
from campaigns.errors import (
    AccountRefusedError,
    GatewayError,
    PermitDeniedError,
    StoreError,
    TooManyRequestsError,
)
from campaigns.services import Services
from campaigns.settings import DEFAULT_ACCOUNT, Settings, token_variable
from campaigns.wiring import unlimited_gateway

_SKEW_S = 5.0


class Asked(NamedTuple):
    """What asking for an account brought: the gateway's clock less ours in seconds, if told, or an error."""

    ahead_s: float | None = None
    error: GatewayError | None = None

    @property
    def answered(self) -> bool:
        """Whether the gateway said something of its own, if only no."""
        status = None if self.error is None else self.error.http_status
        return self.error is None or (status is not None and status < 500)


def ask(services: Services, account: str) -> Asked:
    """Ask for an account. Without a store there are no permits, but then nobody else asks the gateway either.

    Not by the workers' gateway, which pauses the account if it is refused: the token here may be another than theirs.
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
    """Whether the gateway can be reached, as far as asking for the accounts tells. None: it took too long."""
    url = urlsplit(settings.gateway_url)
    place = f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}"
    tried = [one for one in asked.values() if one is None or not isinstance(one.error, PermitDeniedError)]
    if any(one is not None and one.answered for one in tried):
        return Finding(OK, "gateway", place)
    if tried:
        why = next((str(one.error) for one in tried if one is not None), "no answer in time")
        return Finding(FAIL, "gateway", f"{place}: {why}", "check CAMPAIGNS_GATEWAY_URL, the network and its proxy")
    with suppress(OSError), socket.create_connection((url.hostname or "", url.port or _port(url.scheme)), timeout=1):
        return Finding(OK, "gateway", f"{place} takes connections; it was asked nothing")
    return Finding(FAIL, "gateway", f"{place} takes no connections", "check CAMPAIGNS_GATEWAY_URL and the network")


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def of_tokens(settings: Settings, asked: Mapping[str, Asked | None]) -> Iterator[Finding]:
    """Whether each account has a token that the gateway takes."""
    if not settings.accounts:
        variable = token_variable(DEFAULT_ACCOUNT)
        yield Finding(FAIL, "token", "no account has one", f"set {variable}, or {variable}_FILE")
    for account, one in asked.items():
        what, error = f"token of {account}", None if one is None else one.error
        if one is None or not one.answered:
            why = error.reason if isinstance(error, PermitDeniedError) else "the gateway does not answer"
            yield Finding(SKIP, what, why, "ask again in a minute" if isinstance(error, PermitDeniedError) else "")
        elif isinstance(error, AccountRefusedError):
            remedy = (
                f"check {token_variable(account)} and CAMPAIGNS_GATEWAY_URL, then: campaigns resume-account {account}"
            )
            yield Finding(FAIL, what, str(error), remedy)
        elif isinstance(error, TooManyRequestsError):
            yield Finding(WARN, what, str(error), "wait, and lower CAMPAIGNS_RATE_LIMIT if it happens again")
        elif error is not None:
            yield Finding(WARN, what, str(error), "ask whoever runs the gateway")
        else:
            yield Finding(OK, what, "the gateway takes it")


def account_pauses(services: Services) -> Iterator[Finding]:
    """Which accounts rest. Raises StoreError."""
    for account in services.settings.accounts:
        if (account_pause := services.limiter.pause_of(account)) is None:
            yield Finding(OK, f"account {account}", "is not paused")
        else:
            until_ms, reason = account_pause
            left_s = (until_ms - services.now_ms()) / 1000
            remedy = f"put that right, then: campaigns resume-account {account}"
            yield Finding(WARN, f"account {account}", f"is paused for {left_s:,.0f} s: {reason}", remedy)


def of_clock(server_ahead_s: float | None, asked: Mapping[str, Asked | None]) -> Finding:
    """Whether the clocks of this machine, the server and the gateway agree. Seconds that others are ahead of here."""
    ahead = [one.ahead_s for one in asked.values() if one is not None and one.ahead_s is not None]
    apart = {"this machine": server_ahead_s} if server_ahead_s is not None else {}
    if ahead:
        apart["the gateway"] = ahead[0] - (server_ahead_s or 0.0)
    if not apart:
        return Finding(SKIP, "clock", "there is none to compare with")
    base = "this machine's" if server_ahead_s is None else "the server's"
    found = ", ".join(f"{name} {abs(seconds):,.1f} s from {base}" for name, seconds in apart.items())
    if all(abs(seconds) <= _SKEW_S for seconds in apart.values()):
        return Finding(OK, "clock", found)
    return Finding(WARN, "clock", found, "synchronise them with NTP: what was sent is recognised by its time")
