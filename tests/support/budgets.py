"""Stages whose accounts have a daily budget, and whose clock a test moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from campaigns.campaign import Campaign
from campaigns.events import Event
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Secret, Settings
from campaigns.store.client import Store
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.support.events import check_event
from tests.support.jobs import bulk_job, phones
from tests.support.settings import TOKEN, fast_settings
from tests.support.stage import Stage

#: What the sandbox charges for a message.
PRICE = Decimal("0.049")
DAY_MS = 86_400_000
Make = Callable[..., Stage]


def maker(settings: Settings, sandbox: Sandbox, prefix: str) -> Make:
    """What makes stages of one store, whose clock `stage.moved` moves (ms), with a budget for so many messages a day."""
    moved = [0]

    def made(messages: int | None, **more: Any) -> Stage:
        budget = None if messages is None else PRICE * messages
        fields: dict[str, Any] = {
            "message_cost": PRICE,
            "daily_budget": budget,
            "recipients_per_request": 4,
            "events_life_s": 1e6,  # no event is trimmed when a test moves the clock
            "accounts": {"default": Secret(TOKEN), "shop": Secret(TOKEN)},
        }
        given = fast_settings(settings.redis_url, sandbox.url, prefix, **{**fields, **more})
        stage = Stage(given, sandbox)
        store = Store(connect(given), Keys(prefix), now_ms=lambda: time.time_ns() // 1_000_000 + moved[0])
        stage.services = build_services(given, store=store, ring=stage._ring)
        stage.moved = moved  # type: ignore[attr-defined]
        return stage

    return made


def move(stage: Stage, ms: int) -> None:
    stage.moved[0] += ms  # type: ignore[attr-defined]


def to_noon(stage: Stage) -> None:
    """So that no test runs over midnight.

    The noon of tomorrow: the clock of the sandbox always lies behind by at least half a day, whatever the hour at which
    a test runs. So no listing that it gives is taken for evidence.
    """
    noon = 12 * 3_600_000
    move(stage, DAY_MS + noon - (stage.services.now_ms() + 3 * 3_600_000) % DAY_MS)


def used(stage: Stage, account: str = "default") -> Decimal:
    """Messages of today's budget that are spent or reserved."""
    services = stage.services
    spent = services.budgets.spent(services.store, [account], services.now_ms())[account]
    return spent.used / PRICE


def sent(stage: Stage) -> int:
    return len(stage.sandbox.ledger())


def settle_down(stage: Stage) -> None:
    """Step until nothing more goes out for a while."""
    stage.step_for(0.4)


def spend(stage: Stage, recipients: int) -> Campaign:
    """Enqueue a campaign at noon, and send of it what the budget of the day pays for."""
    to_noon(stage)
    campaign = stage.enqueue(bulk_job(phones(recipients)))
    settle_down(stage)
    return campaign


def events_of(stage: Stage) -> list[Event]:
    """The events of the account `default`."""
    events = list(stage.services.events.since(source="accounts/default"))
    for event in events:
        check_event(event)
    return events
