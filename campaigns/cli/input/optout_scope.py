"""The options that narrow an opt-out from everything to an account or a topic."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict

import click

from campaigns.cli.input.completers import accounts
from campaigns.ledger import Scope, scope_named
from campaigns.services import Services


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


def known_scope(services: Services, narrowed: Narrowed) -> Scope:
    """The scope to list. Raises click.BadParameter for an account that has neither a token, while this process has or
    knows tokens of others, nor opt-outs; and StoreError."""
    scope, accounts = scope_named(**narrowed), services.settings.all_accounts
    if scope.account and accounts and scope.account not in accounts:
        with_optouts = {one.account for one in services.optouts.narrower()}
        if scope.account not in with_optouts:
            known = ", ".join(sorted({*accounts, *with_optouts}))
            raise click.BadParameter(
                f"{scope.account!r} has no token and no opt-outs; accounts: {known}", param_hint="--account"
            )
    return scope


def new_topic_words(services: Services, scope: Scope) -> str | None:
    """That no opt-out has this topic yet, while others of the account have topics: it may be misspelt. None otherwise.
    Raises StoreError."""
    if not scope.topic:
        return None
    topics = [one.topic for one in services.optouts.narrower() if one.account == scope.account and one.topic]
    if not topics or scope.topic in topics:
        return None
    return f"no opt-out is of {scope.words} yet; other topics of its opt-outs: {', '.join(topics)}"
