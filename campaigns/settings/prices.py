"""Which amounts of money mean nothing without the price of a message. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from campaigns.settings.environment import variable_of


def without_price(
    price: Decimal | None, costs: Mapping[str, Decimal | None], budgets: Mapping[str, Decimal | None]
) -> dict[str, str]:
    """Variables of amounts that need the price of a message, each with what is wrong. Settings are given by name."""
    lacking = [name for name, cost in costs.items() if cost is not None and price is None]
    # At a price of nothing, no budget would ever be used up.
    lacking += [name for name, budget in budgets.items() if budget is not None and not price]
    return {variable_of(name): f"needs {variable_of('message_cost')}" for name in lacking}
