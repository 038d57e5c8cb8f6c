"""Daily budgets: how much an account may spend in a day of the gateway's time zone, by expected prices.

`store/lua/include/budget.lua` decides whether there is room for a request, in the script that claims it. Here is what
it is given: the budgets of this process's settings, and the calendar of the gateway.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import Final, NamedTuple

import orjson

from campaigns.acts import Act, packed
from campaigns.errors import ConfirmationError
from campaigns.names import CONTROL, DUE_QUEUES
from campaigns.settings import Settings
from campaigns.settings.accounts import budget_variable
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command
from campaigns.times.days import begins_ms, date_of

_MICRO: Final = 1_000_000
#: How many days before and after today the script's calendar covers: its clock may be set, and ours as well.
_DAYS_AROUND: Final = 2
#: The calendar is made anew after this time.
_CALENDAR_MS: Final = 3_600_000
#: Until when an account is paused for its budget, and the cost for which that had no room.
_PAUSE: Final = ["budget_until_ms", "budget_short"]
#: The script's answer for a change that needs a second person.
_UNCONFIRMED: Final = 2


class DailyBudget(NamedTuple):
    """What an account may spend today, and what it has spent or reserved so far.

    `setting` is its budget by the settings; `budget` differs if a person changed it for today. `lacking` is what the
    cheapest request costs for which there was no room, while the account is paused for that.
    """

    budget: Decimal
    used: Decimal
    setting: Decimal
    lacking: Decimal | None = None

    @property
    def left(self) -> Decimal:
        """What may still be spent today."""
        return max(self.budget - self.used, Decimal(0))

    @property
    def is_changed(self) -> bool:
        """Whether a person changed the budget for today."""
        return self.budget != self.setting

    def fits_no_day(self, recipients: int, price: Decimal) -> bool:
        """Whether a request to `recipients` people, at `price` a message, pauses its campaign since no day pays for it.

        `pause_over_budget` in `store/lua/include/budget_pauses.lua` decides about each, and this tells beforehand.
        """
        each, whole = micro_of(price), micro_of(max(self.setting, self.budget))
        return whole >= each and recipients * each > whole


class Price(NamedTuple):
    """What the messages that an account sent today cost, as far as the gateway has reported their price."""

    messages: int
    charged: Decimal
    #: Whether the mean price is higher than expected, by more than the settings allow.
    drifted: bool


class Budgets:
    """The budgets that the settings give, and what is expected of prices."""

    def __init__(self, settings: Settings, about_now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._about_now_ms = about_now_ms
        self._any = settings.daily_budget is not None or bool(settings.account_daily_budgets)
        self._made: tuple[int, str] = (-1, "")

    def packed(self) -> str:
        """The budgets as scripts take them: see `store/lua/include/budget.lua`. Empty if no account has one.

        Raises StoreError, only where an account has one.
        """
        if not self._any:
            return ""
        now_ms = self._about_now_ms()
        if self._made[0] != now_ms // _CALENDAR_MS:
            self._made = now_ms // _CALENDAR_MS, self._pack(now_ms)
        return self._made[1]

    def remedy(self, account: str) -> str:
        """What lets a request of the account go out that costs more than the whole budget of a day."""
        return f"raise {budget_variable(self._settings, account)} or lower CAMPAIGNS_RECIPIENTS_PER_REQUEST"

    def spent(self, store: Store, accounts: Sequence[str], now_ms: int) -> dict[str, DailyBudget]:
        """Account → its budget and what is used of it, for those that have one. Raises StoreError."""
        budgets = {account: budget for account in accounts if (budget := self._settings.budget_of(account)) is not None}
        day = date_of(now_ms, self._settings.gateway_timezone)
        fields = [f"used:{day}", f"budget:{day}"]
        money = [command(Redis.hmget, store.keys.money(account), fields) for account in budgets]
        pauses = [command(Redis.hmget, store.keys.account(account), _PAUSE) for account in budgets]
        answers = store.ask_many([*money, *pauses])
        rows = zip(budgets.items(), answers[: len(budgets)], answers[len(budgets) :], strict=True)
        return {
            account: DailyBudget(
                _amount(own) if own else setting,
                _amount(used or 0),
                setting,
                _amount(short) if int(until_ms or 0) > now_ms else None,
            )
            for (account, setting), (used, own), (until_ms, short) in rows
        }

    def change(
        self, store: Store, account: str, known: Decimal, budget: Decimal, act: Act, *, confirmed: bool
    ) -> DailyBudget | None:
        """Change what an account may spend today from `known` to `budget`; it must have one by the settings.

        `confirmed`: whether a second person confirms it. Returns None, with nothing changed, if it is not `known` any
        more. Raises ConfirmationError, with nothing changed, where it needs a second person, and StoreError.
        """
        keys, setting, dearest = store.keys, self._settings.budget_of(account), self._settings.confirm_cost
        names = [keys.account(account), keys.money(account), keys.events(), keys.audit()]
        names += [keys.accounts(queue) for queue in DUE_QUEUES if queue != CONTROL]
        amounts = [micro_of(known), micro_of(budget)]
        args = [account, self.packed(), *amounts, orjson.dumps(act.said()), packed(act), secrets.token_hex(8)]
        args += ["1" if confirmed else "", "" if dearest is None else micro_of(dearest)]
        done, now, used = store.run_safely("change_budget", names, args)
        if done == _UNCONFIRMED:
            raise ConfirmationError("", act.by, budget - _amount(now))
        return DailyBudget(_amount(now), _amount(used), setting or Decimal(0)) if done else None

    def prices(self, store: Store, accounts: Sequence[str], now_ms: int) -> dict[str, Price]:
        """Account → the prices of what it sent today, for those that have any. Raises StoreError."""
        day = date_of(now_ms, self._settings.gateway_timezone)
        fields = [f"messages:{day}", f"charged:{day}", f"drifted:{day}"]
        rows = store.ask_many([command(Redis.hmget, store.keys.money(account), fields) for account in accounts])
        return {
            account: Price(int(messages), Decimal(int(charged or 0)) / _MICRO, drifted is not None)
            for account, (messages, charged, drifted) in zip(accounts, rows, strict=True)
            if int(messages or 0)
        }

    def expected(self, sent_ms: int) -> str:
        """What messages sent then (unix ms) should cost, as a script takes it: see `store/lua/include/drift.lua`.

        Empty if no price is expected.
        """
        settings = self._settings
        if not settings.message_cost:
            return ""
        return orjson.dumps(
            {
                "price": micro_of(settings.message_cost),
                "day": date_of(sent_ms, settings.gateway_timezone).isoformat(),
                "share": settings.cost_drift,
                "least": settings.cost_drift_messages,
            }
        ).decode()

    def _pack(self, now_ms: int) -> str:
        settings = self._settings
        today = date_of(now_ms, settings.gateway_timezone)
        around = [today + timedelta(days=n) for n in range(-_DAYS_AROUND, _DAYS_AROUND + 2)]
        every = {} if settings.daily_budget is None else {"every": micro_of(settings.daily_budget)}
        return orjson.dumps(
            {
                "price": micro_of(settings.message_cost or Decimal(0)),
                **every,
                "own": {account: micro_of(budget) for account, budget in settings.account_daily_budgets.items()},
                "days": [[begins_ms(day, settings.gateway_timezone), day.isoformat()] for day in around],
            }
        ).decode()


def micro_of(amount: Decimal) -> int:
    """An amount in whole millionths, rounded up: what costs anything costs at least one."""
    return ceil(amount * _MICRO)


def _amount(micro: bytes | int) -> Decimal:
    return Decimal(int(micro)) / _MICRO
