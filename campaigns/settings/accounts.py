"""What the settings say of an account. Pure."""

from __future__ import annotations

from campaigns.settings.environment import ALIAS, token_variable, variable_of
from campaigns.settings.options import Settings


def check_account(settings: Settings, account: str) -> None:
    """Raises ValueError for a name that no account can have, and for one without a token, while this process has or
    knows tokens of other accounts."""
    if ALIAS.fullmatch(account) is None:
        raise ValueError(f"{account!r} is not the name of an account")
    if (known := settings.all_accounts) and account not in known:
        raise ValueError(f"account {account!r} has no token: set {token_variable(account)}")


def budget_variable(settings: Settings, account: str) -> str:
    """The environment variable that gives an account its daily budget."""
    own = account in settings.account_daily_budgets
    return variable_of("daily_budget") + (f"_{account.upper()}" if own else "")
