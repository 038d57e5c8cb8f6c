"""All checks of the doctor, each with a verdict and a remedy. They cost nothing and take five seconds at most."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from campaigns.cli.doctor.access import check_access
from campaigns.cli.doctor.broker import check_broker, of_broker
from campaigns.cli.doctor.events import check_events
from campaigns.cli.doctor.findings import FAIL, OK, SKIP, WARN, Check, Finding
from campaigns.cli.doctor.gateway import (
    account_budgets,
    account_pauses,
    account_prices,
    ask,
    of_clock,
    of_gateway,
    of_tokens,
)
from campaigns.cli.doctor.server import check_server
from campaigns.cli.doctor.workers import account_reads, check_doubt, check_workers
from campaigns.errors import LayoutError, StoreError
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.settings.addresses import is_tls
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.wiring import INTERACTIVE, build_services, open_store

#: Deadline of all checks together: the command ends within five seconds, also if nothing answers.
_ALL_S = 4.0
_STORE = INTERACTIVE._replace(connect_s=1.2, answer_s=1.2, give_up_s=0.5)
#: redis-py takes a refusal of a client without a password for a lost connection; it is not repeated.
_NOBODY = _STORE._replace(give_up_s=0.0)
_GATEWAY_S = 2.0


def examine(settings: Settings | None = None, store: Store | None = None) -> list[Finding]:
    """Run all checks. Raises SettingsError if the settings cannot be read."""
    settings = settings or Settings.from_env(os.environ)
    hasty = replace(settings, connect_timeout_s=_GATEWAY_S, deadline_s=_GATEWAY_S, read_attempts=1)
    services = build_services(hasty, store=store or open_store(settings, _STORE))
    until_s = time.monotonic() + _ALL_S
    broker = check_broker(settings)
    asking = {account: Check(partial(ask, services, account)) for account in settings.accounts}
    ahead_s, inside = _inside(services, until_s)
    asked = {account: check.result(until_s) for account, check in asking.items()}
    return [
        *inside,
        *of_broker(settings, broker, until_s),
        of_clock(ahead_s, asked),
        of_gateway(settings, asked),
        *of_tokens(settings, asked),
    ]


def _inside(services: Services, until_s: float) -> tuple[float | None, list[Finding]]:
    """Seconds by which the store's clock is ahead of this machine's (None if it does not answer), and the findings."""
    store = services.store
    try:
        store.ask(Redis.ping)
        ahead_s = services.now_ms() / 1000 - time.time()
    except StoreError as error:
        remedy = _remedy_of_server(str(error), services.settings.redis_url)
        if isinstance(error, LayoutError):
            remedy = "see the changelog for what becomes of an older store"
        skipped = "persistence, beat, workers, queues, events and accounts are known to the server only"
        return None, [Finding(FAIL, "server", str(error), remedy), Finding(SKIP, "checks of the store", skipped)]
    findings = [Finding(OK, "server", f"{store.address} answers")]
    findings += _findings_of("server's state", lambda: check_server(store), until_s)
    findings += _findings_of("access", lambda: check_access(store, services.settings, _NOBODY), until_s)
    checks = {
        "workers": check_workers,
        "events": check_events,
        "accounts": account_pauses,
        "reads": account_reads,
        "budgets": account_budgets,
        "prices": account_prices,
        "doubt": check_doubt,
    }
    for what, check in checks.items():
        findings += _findings_of(what, partial(check, services), until_s)
    return ahead_s, findings


def _remedy_of_server(problem: str, url: str) -> str:
    if "NoPermissionError" in problem:
        return "allow the user in CAMPAIGNS_REDIS_URL that command and the keys under the prefix (ACL)"
    # A server that requires a certificate reports that, or just closes the connection after the TLS handshake.
    closed = any(words in problem for words in ("while reading", "while writing", "closed by server", "HANDSHAKE"))
    if closed and is_tls(url) and "ssl_certfile=" not in url:
        return "if the server wants a certificate, add ssl_certfile and ssl_keyfile to CAMPAIGNS_REDIS_URL"
    if "CERTIFICATE" in problem or "UNKNOWN_CA" in problem:
        return "set ssl_ca_certs in CAMPAIGNS_REDIS_URL to the server's authority, and check the certificate"
    return "start Redis or Valkey, and set CAMPAIGNS_REDIS_URL to its address, with its password"


def _findings_of(what: str, check: Callable[[], Iterator[Finding]], until_s: float) -> list[Finding]:
    """The findings of a check. A refusal of the server, for example by an ACL, is one of them."""
    if time.monotonic() > until_s - _STORE.answer_s:
        return [Finding(SKIP, what, "the server is too slow")]
    found = []
    try:
        for finding in check():
            found.append(finding)  # noqa: PERF402 (findings before an error are kept)
    except StoreError as error:
        found.append(Finding(WARN, what, str(error), "allow it in the server's ACL, and check the server's log"))
    return found
