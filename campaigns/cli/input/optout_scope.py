"""The options that narrow an opt-out from everything to an account or a topic."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict

import click

from campaigns.cli.input.completers import accounts
from campaigns.ledger import scope_named


class Narrowed(TypedDict):
    """The arguments of `campaigns.optouts` that say which scope is meant; None and None for everything."""

    account: str | None
    topic: str | None


def scope(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--account` and `--topic` to a command, which gets both in its argument `scope`."""

    @click.option("--account", shell_complete=accounts, help="Only of this account, not of everything.")
    @click.option("--topic", help="Only of this topic of the account, which is `default` unless given.")
    @wraps(command)
    def narrowed(*args: Any, account: str | None, topic: str | None, **named: Any) -> Any:
        return command(*args, scope=_checked(account, topic), **named)

    return narrowed


def _checked(account: str | None, topic: str | None) -> Narrowed:
    """Raises click.BadParameter for what is not the alias of an account or not a topic."""
    try:
        scope_named(account, topic)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return Narrowed(account=account, topic=topic)
