"""Today's budgets of accounts: what may be spent today, and how a person changes it for today.

The settings give the budget of each day (`CAMPAIGNS_DAILY_BUDGET`). A change counts for all workers within seconds, and
until the day ends in the gateway's time zone. It is an act of a person: an event and an audit record say who made it
and why.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from campaigns.accounts.budgets import DailyBudget
from campaigns.acts import APPLICATION, Act, Deed, same_person
from campaigns.errors import StateError
from campaigns.services import Services
from campaigns.settings.accounts import budget_variable, check_account
from campaigns.store.commands import Redis

#: Two people who change it at the same moment are answered one after the other.
_TRIES: Final = 5
#: The highest budget of a day.
_MOST: Final = 1_000_000_000


def daily_budget(services: Services, account: str = "default") -> DailyBudget | None:
    """What an account may spend today, by the settings or a person, and what is spent or reserved; None if it has no
    budget. Raises StoreError."""
    return services.budgets.spent(services.store, [account], services.now_ms()).get(account)


def raise_budget(
    services: Services, account: str, amount: Decimal | int, *, why: str, by: str = APPLICATION, confirmed_by: str = ""
) -> DailyBudget:
    """Let an account spend `amount` today instead of its lower budget; the amount is the whole budget, not an addition.

    Nothing is changed or recorded if that is its budget already. Raises ValueError, with nothing changed, if the
    account is not known or has no budget, if `amount` is lower than its budget today or is no amount of at most six
    decimals, or if `why` is empty. Raises ConfirmationError if the budget would be higher by `CAMPAIGNS_CONFIRM_COST`
    or more than that of the settings, or than what a second person confirmed today, unless `confirmed_by` names a
    different person than `by`; StateError if others change it all the time; and StoreError.
    """

    def check(today: DailyBudget, budget: Decimal) -> None:
        if budget < today.budget:
            raise ValueError(f"the budget of {account} is {today.budget:f} today, which is more than {budget:f}")

    return _change(services, account, amount, check, by, why, confirmed_by)


def lower_budget(
    services: Services, account: str, amount: Decimal | int, *, why: str, by: str = APPLICATION
) -> DailyBudget:
    """Let an account spend only `amount` today, which may be 0 or less than is spent already: then no further request
    is paid for today. Raises ValueError, StateError and StoreError as `raise_budget`."""

    def check(today: DailyBudget, budget: Decimal) -> None:
        if budget > today.budget:
            raise ValueError(f"the budget of {account} is {today.budget:f} today, which is less than {budget:f}")

    return _change(services, account, amount, check, by, why, "")


def _change(
    services: Services,
    account: str,
    amount: Decimal | int,
    check: Callable[[DailyBudget, Decimal], None],
    by: str,
    why: str,
    confirmed_by: str,
) -> DailyBudget:
    budget = _checked(amount)
    _check_account(services, account)
    if not why.strip():
        raise ValueError("a change of the budget needs a reason")
    for _ in range(_TRIES):
        today = daily_budget(services, account)
        if today is None:
            raise ValueError(
                f"account {account!r} has no daily budget that could be changed: set "
                f"{budget_variable(services.settings, account)}"
            )
        check(today, budget)
        if budget == today.budget:
            # The call before may have ended without its replicas.
            services.store.confirm()
            return today
        detail = f"{today.budget:f} to {budget:f}" + (f", confirmed by {confirmed_by}" if confirmed_by else "")
        act = Act(Deed.BUDGET_CHANGED, account, by, why, detail)
        changed = services.budgets.change(
            services.store, account, today.budget, budget, act, confirmed=_is_second(by, confirmed_by)
        )
        if changed is not None:
            return daily_budget(services, account) or changed
    raise StateError("change the budget", "changed by others")


def _check_account(services: Services, account: str) -> None:
    """Raise ValueError for an account that neither these settings nor, where they name none, the store knows.

    A person who stops an account in haste must not be answered that another one is stopped.
    """
    check_account(services.settings, account)
    keys = services.store.keys
    known = services.settings.all_accounts or services.store.ask(
        Redis.exists, keys.account(account), keys.money(account)
    )
    if not known:
        raise ValueError(
            f"nothing was ever sent by account {account!r}, and these settings name no account: check its name, or set "
            "CAMPAIGNS_OTHER_ACCOUNTS"
        )


def _is_second(by: str, confirmed_by: str) -> bool:
    return bool(confirmed_by.strip()) and not same_person(by, confirmed_by)


def _checked(amount: Decimal | int) -> Decimal:
    budget = _amount(amount)
    if budget is None or not budget.is_finite():
        raise ValueError(f"the budget {str(amount)!r} is not an amount such as 250 or Decimal('99.50')")
    if budget < 0:
        raise ValueError("the budget must not be negative")
    if budget > _MOST:
        raise ValueError(f"the budget must not be more than {_MOST:,}")
    if budget != round(budget, 6):
        raise ValueError("the budget must have at most six decimals")
    return budget


def _amount(amount: Decimal | int) -> Decimal | None:
    """The amount as a decimal; None if it is not a number."""
    try:
        return Decimal(amount)
    except (ArithmeticError, TypeError, ValueError):
        return None
