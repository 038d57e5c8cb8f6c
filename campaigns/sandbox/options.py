"""What can be set on a sandbox, at its start and while it runs."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.sandbox.dialects import DOCUMENTED, LAG_S, LISTED_AT_MOST, Trait, Traits, traits_of
from campaigns.sandbox.models import BULK, LIST, QUICK, UNITS_PER_EURO

_MOST_EUROS: Final = 10**12


@dataclass(frozen=True, slots=True)
class Options:
    """Defaults are the contract's happy path. Times in seconds of the wall clock."""

    speed: float = 1.0  # life seconds per second
    latency_s: float = 0.0  # before every answer
    listing_delay_s: float = 0.0  # how late a mailing shows in getViberMessages
    validation_delay_s: float = 0.0  # how late statusBulkViber knows more than the uuid
    callback_delay_s: float = 0.0
    list_bulk: bool = True  # getViberMessages shows what sendBulkViber sent
    list_quick: bool = True  # and what sendQuickViberMessage sent
    cost: str = "0.049"  # euros per message
    balance: str = "1000"  # euros of a token seen for the first time
    timezone: str = "Europe/Minsk"
    dialect: str = DOCUMENTED  # see dialects.py; several are joined by +
    token: str = ""  # the only token that is accepted; empty accepts any

    @property
    def unit_cost(self) -> int:
        return units(self.cost)

    @property
    def traits(self) -> Traits:
        return traits_of(self.dialect)

    @property
    def lag_s(self) -> float:
        """Seconds until a mailing is listed."""
        return self.listing_delay_s or (LAG_S if Trait.LAGGING in self.traits else 0.0)

    @property
    def listed_kinds(self) -> frozenset[str]:
        """The kinds of mailings that are listed."""
        hiding = Trait.HIDING in self.traits
        shown = {BULK: self.list_bulk and not hiding, QUICK: self.list_quick and not hiding, LIST: True}
        return frozenset(kind for kind, is_shown in shown.items() if is_shown)

    def listed_rows(self, rows: int) -> int:
        """How many mailings one answer lists if `rows` are asked for."""
        return min(rows, LISTED_AT_MOST) if Trait.CAPPING in self.traits else rows

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def units(euros: str) -> int:
    """Euros as text in hundred-thousandths. Raises ValueError for anything but an amount."""
    try:
        amount = Decimal(euros)
    except ArithmeticError:
        amount = Decimal("inf")
    if not amount.is_finite() or abs(amount) > _MOST_EUROS:
        raise ValueError(f"{euros!r} is not an amount")
    return int(amount * UNITS_PER_EURO)


def changed(options: Options, changes: dict[str, Any]) -> Options:
    """The options with changes applied. Raises ValueError naming what is unknown or of the wrong type."""
    kinds = {field.name: type(getattr(Options(), field.name)) for field in fields(Options)}
    values: dict[str, Any] = {}
    for name, value in changes.items():
        kind = kinds.get(name)
        if kind is None:
            raise ValueError(f"no setting {name!r}; there are {', '.join(kinds)}")
        if kind is bool and not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false")
        if kind is float and not isinstance(value, int | float):
            raise ValueError(f"{name} must be a number")
        if kind is str and not isinstance(value, str):
            raise ValueError(f"{name} must be text")
        values[name] = kind(value)
    result = replace(options, **values)
    if result.speed <= 0:
        raise ValueError("speed must be above zero")
    if result.unit_cost < 0:
        raise ValueError("cost must not be below zero")
    units(result.balance)
    traits_of(result.dialect)
    return result
