"""Daily budgets with real processes: killed around each step, and several at once. Never more than the budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from campaigns.budgets import raise_budget
from campaigns.enqueue import enqueue
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.scenarios.conftest import Crash
from tests.support.claims import lose_what_is_due
from tests.support.doubt import send_younger
from tests.support.jobs import bulk_job, list_job, phones
from tests.support.rig import rig_settings
from tests.support.stage import Stage

PRICE = Decimal("0.049")


@pytest.fixture
def make_rich(rig: Stage, server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> Callable[[], Stage]:
    """A stage of the rig's store with the budget that `crash_child` has with `budget`: 100 messages a day."""
    fields = {"message_cost": PRICE, "daily_budget": PRICE * 100}
    return lambda: Stage(rig_settings(server.url, sandbox.url, prefix, **fields), sandbox)


def counted(stage: Stage) -> Decimal:
    """Messages that are spent or reserved, of all days: a test may run over midnight."""
    store = stage.services.store
    figures = store.redis.hgetall(store.keys.money("default"))
    micro = sum(int(number) for name, number in figures.items() if name.startswith(b"used:"))
    return Decimal(micro) / 1_000_000 / PRICE


@pytest.mark.parametrize(
    ("point", "reserved"),
    [("before claim", 0), ("after claim", 10), ("before record", 10), ("after record", 10)],
)
def test_killed_while_sending(make_rich: Callable[[], Stage], crash: Crash, point: str, reserved: int) -> None:
    stage = make_rich()
    campaign = stage.enqueue(bulk_job(phones(10)))
    crash(point, "send", f"{campaign.id}-0", more=["budget"])
    assert counted(stage) == reserved
    send_younger(stage)
    lose_what_is_due(stage.services.store)
    stage.sweep()
    stage.finish(campaign, timeout_s=30)
    assert campaign.status().recipients["settled"] == 10
    assert counted(stage) == 10 + 2


@pytest.mark.parametrize("point", ["before confirming", "after confirming"])
def test_killed_while_a_list_is_paid_for(make_rich: Callable[[], Stage], crash: Crash, point: str) -> None:
    stage = make_rich()
    stage.finish(stage.enqueue(list_job(2, message="another")))
    assert counted(stage) == 25
    campaign = stage.enqueue(list_job(1, message="hello", on_unknown="resend"))
    crash(point, "send", f"{campaign.id}-0", more=["budget"])
    assert counted(stage) == 25 + 4
    stage.finish(campaign, timeout_s=30)
    assert counted(stage) == 25 + 4


@pytest.mark.parametrize("point", ["before the price", "after the price"])
def test_killed_while_the_price_is_recorded(make_rich: Callable[[], Stage], crash: Crash, point: str) -> None:
    """Corrected once, however often it is recorded: the sandbox charges half as much again as is expected."""
    stage = make_rich()
    stage.sandbox.change(cost="0.0735")
    campaign = stage.enqueue(bulk_job(phones(10)))
    stage.send(f"{campaign.id}-0")
    assert counted(stage) == 10
    time.sleep(0.3)
    crash(point, "poll", f"{campaign.id}-0", more=["budget"])
    assert counted(stage) == (15 if point == "after the price" else 10)
    stage.finish(campaign, timeout_s=30)
    assert counted(stage) == 15


def test_real_workers_at_once(processes: Processes, sandbox: Sandbox) -> None:
    """Three workers, one of them killed, and a budget for a part: it is used up, and not exceeded."""
    limits = {"CAMPAIGNS_MESSAGE_COST": "0.049", "CAMPAIGNS_DAILY_BUDGET": str(PRICE * 200)}
    processes.env |= limits | {"CAMPAIGNS_RECIPIENTS_PER_REQUEST": "7"}
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    services = build_services(Settings.from_env(names))
    campaigns = [enqueue(services, bulk_job(phones(300, start=n), text=str(n))) for n in (0, 1000)]
    killed, _, _, _ = (processes.worker(), processes.worker(), processes.worker(), processes.beat())
    until = time.monotonic() + 60
    while len(sandbox.ledger()) < 30:
        assert time.monotonic() < until
        time.sleep(0.02)
    killed.kill9()
    while services.limiter.pause_of("default") is None:
        assert time.monotonic() < until, [campaign.status() for campaign in campaigns]
        time.sleep(0.1)
    time.sleep(1.5)
    # What the killed worker had claimed may never have arrived, and stays reserved while it is in doubt.
    doubted = sum(c.status().recipients["unknown"] + c.status().recipients["held"] for c in campaigns)
    assert 200 - 7 - doubted < len(sandbox.ledger()) <= 200
    events = [event.type for event in services.events.since(source="accounts/default")]
    assert events[0] == "account.paused"
    before = len(sandbox.ledger())
    raise_budget(services, "default", PRICE * 400, why="more", by="ann")
    # Within about two seconds on a quiet machine; a worker that had to come back by itself would take thirty.
    until = time.monotonic() + 20
    while len(sandbox.ledger()) == before:
        assert time.monotonic() < until
        time.sleep(0.05)
