"""What of a daily budget is used, in words. Pure."""

from __future__ import annotations

from campaigns.accounts.budgets import DailyBudget
from campaigns.text.wording import money


def budget_words(today: DailyBudget) -> str:
    """`8.50 of 20.00 is spent or reserved today; 10.00 by the settings, raised for today; ...` and what has no room."""
    parts = [f"{money(today.used)} of {money(today.budget)} is spent or reserved today"]
    if today.is_changed:
        changed = "raised" if today.budget > today.setting else "lowered"
        parts.append(f"{money(today.setting)} by the settings, {changed} for today")
    if today.lacking is not None:
        whole = money(today.used + today.lacking)
        parts.append(f"the next request costs {money(today.lacking)} and has room in a budget of {whole}")
    return "; ".join(parts)
