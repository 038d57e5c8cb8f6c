"""`campaigns budget`: what accounts may spend today."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

from campaigns.accounts.budgets import DailyBudget
from campaigns.budgets import lower_budget, raise_budget
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import account, as_json, by, required_why
from campaigns.cli.output.budget_words import budget_words
from campaigns.cli.output.screen import console, print_json
from campaigns.wiring import default_services


class _Amount(click.ParamType[Decimal]):
    name = "amount"

    def convert(self, value: str, _param: click.Parameter | None, _context: click.Context | None) -> Decimal:
        if value.startswith("+"):
            self.fail(f"{value!r} would be an addition: give the whole budget of today")
        try:
            return Decimal(value)
        except InvalidOperation:
            return self.fail(f"{value!r} is not an amount such as 250 or 99.50")


_amount = click.argument("amount", type=_Amount())


@click.group(short_help="Show or change what accounts may spend today.")
def budget() -> None:
    """What accounts may spend today. The budget of every day is the setting CAMPAIGNS_DAILY_BUDGET."""


@budget.command("show", short_help="Show the budgets of today, and what is used.")
@as_json
@reports_errors
def show_budgets(as_json: bool) -> None:
    """Show what each account may spend today, and what is spent or reserved."""
    services = default_services()
    spent = services.budgets.spent(services.store, services.settings.all_accounts, services.now_ms())
    for name, today in spent.items():
        _print(name, today, as_json=as_json)
    if not spent and not as_json:
        console.print("no account has a daily budget: see CAMPAIGNS_DAILY_BUDGET", style="dim")


@budget.command("raise", short_help="Let an account spend more today.")
@account
@_amount
@by
@click.option("--confirmed-by", default="", help="A second person, from CAMPAIGNS_CONFIRM_COST on.")
@required_why
@as_json
@reports_errors
def raise_today(account: str, amount: Decimal, by: str, confirmed_by: str, why: str, as_json: bool) -> None:
    """Let ACCOUNT spend AMOUNT today: the whole budget of today, not an addition. Workers obey within seconds.

    Repeating the command changes nothing further. Tomorrow the settings count again.
    """
    try:
        today = raise_budget(default_services(), account, amount, why=why, by=by, confirmed_by=confirmed_by)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _print(account, today, as_json=as_json)


@budget.command("lower", short_help="Let an account spend less today, or nothing.")
@account
@_amount
@by
@required_why
@as_json
@reports_errors
def lower_today(account: str, amount: Decimal, by: str, why: str, as_json: bool) -> None:
    """Let ACCOUNT spend only AMOUNT today; 0 stops what costs money. Workers obey within seconds."""
    try:
        today = lower_budget(default_services(), account, amount, why=why, by=by)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _print(account, today, as_json=as_json)


def _print(account: str, today: DailyBudget, *, as_json: bool) -> None:
    if as_json:
        amounts = {"budget": today.budget, "used": today.used, "left": today.left, "setting": today.setting}
        print_json({"account": account, **{name: f"{amount:f}" for name, amount in amounts.items()}})
    else:
        console.print(f"{account}: {budget_words(today)}", soft_wrap=True)
