"""What of a daily budget is used, in words. Pure."""

from __future__ import annotations

from campaigns.accounts.budgets import DailyBudget
from campaigns.text.wording import money


def budget_words(today: DailyBudget) -> str:
    """`8.50 of 20.00 is spent or reserved today; 10.00 by the settings, raised for today`."""
    found = f"{money(today.used)} of {money(today.budget)} is spent or reserved today"
    if not today.is_changed:
        return found
    changed = "raised" if today.budget > today.setting else "lowered"
    return f"{found}; {money(today.setting)} by the settings, {changed} for today"
