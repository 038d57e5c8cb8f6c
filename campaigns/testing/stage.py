"""`running`: starts a server and a sandbox, and sets this process up to use them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from campaigns.errors import SettingsError
from campaigns.sandbox.options import Options, changed
from campaigns.sandbox.server import Sandbox
from campaigns.settings import DEFAULT_ACCOUNT, PREFIX, Settings, token_variable, variable_of
from campaigns.store.embedded import EmbeddedServer
from campaigns.testing.clock import MovedClock
from campaigns.testing.here import Here
from campaigns.wiring import default_services_are

#: Settings that are minutes or days in production, shortened so that a test never waits long.
_QUICK: Final[Mapping[str, object]] = {
    "rate_limit": "off",
    "deadline_s": 2,
    "read_attempts": 2,
    "penalty_s": 0.2,
    "account_pause_s": 0.5,
    "failures_before_pause": 1000,
    "settle_window_s": 0.3,
    "check_interval_s": 0.1,
    "poll_min_s": 0.02,
    "single_poll_fraction": 0.25,
    "poll_horizon_s": 4,
    "reply_window_s": 60,
}
_CHOSEN_HERE: Final = ("redis_url", "broker_url", "gateway_url")


@contextmanager
def running(
    *,
    speed: float = 1000.0,
    dialect: str = "documented",
    accounts: Sequence[str] = (DEFAULT_ACCOUNT,),
    **settings: object,
) -> Iterator[Here]:
    """A store and a sandbox of its own, and this process set up to use them. See `campaigns.testing`.

    `speed`: seconds of a message's life in one second. `accounts`: those that have a token. `dialect`: how the
    gateway answers, see `campaigns.sandbox.dialects`. `settings`: any by name, spelled as in the environment; None
    leaves one at its default.

    Raises SettingsError for settings that are wrong, ValueError for a dialect that does not exist, and
    EmbeddedServerError, which names the remedy.
    """
    refused = {variable_of(name): "is chosen by running()" for name in _CHOSEN_HERE if name in settings}
    if refused:
        raise SettingsError(refused)
    options = changed(Options(), {"speed": speed, "dialect": dialect})
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer(appendonly=False))
        clock = MovedClock()
        sandbox = stack.enter_context(Sandbox(options=options, now_ms=clock))
        values = {
            **_QUICK,
            **settings,
            "redis_url": server.url,
            "gateway_url": sandbox.url,
        }
        env = {variable_of(name): str(value) for name, value in values.items() if value is not None}
        env |= {token_variable(account): f"token-of-{account}" for account in accounts}
        stack.enter_context(_environment(env))
        here = Here(Settings.from_env(os.environ), sandbox, clock)
        stack.callback(here.close)
        stack.enter_context(default_services_are(here.services))
        yield here


@contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    """Replace our variables by these while the block lasts."""
    before = _taken()
    os.environ.update(env)
    try:
        yield
    finally:
        _taken()
        os.environ.update(before)


def _taken() -> dict[str, str]:
    """Remove and return our variables in the environment, and Celery's broker URL, which would override them."""
    return {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name.startswith(PREFIX) or name == "CELERY_BROKER_URL"
    }
