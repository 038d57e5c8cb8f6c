"""Following for three days: its cost and its staleness are those of the published formula."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.rig.following import expected_polls, simulate, table
from tests.support.claims import due_sets
from tests.support.jobs import bulk_job, phones
from tests.support.settings import fast_settings
from tests.support.stage import Stage

DAY_S = 86_400.0


def test_without_a_limit() -> None:
    """No change waits longer than the formula says, and no batch costs more."""
    found = simulate(500, reads_per_s=None, spread_s=600)
    assert found.most_polls <= expected_polls() + 2
    assert all(worst <= bound + 0.002 for worst, bound in zip(found.worst_s, found.bound_s, strict=True))
    assert f"{expected_polls():.1f}" in table([("no limit", found)])


def test_a_limit_makes_polls_late_and_not_more() -> None:
    found = simulate(500, reads_per_s=5, spread_s=10)
    assert found.most_polls <= expected_polls() + 2
    assert max(found.worst_s[:2]) <= 500 / 5 * 2
    assert found.worst_s[-1] <= found.bound_s[-1] + 500 / 5


class TestReal:
    """The whole path, with the store's clock moved on to whatever is due next."""

    @pytest.fixture
    def simulated(self, settings: Settings, sandbox: Sandbox, prefix: str) -> tuple[Stage, Callable[[], None]]:
        days = fast_settings(
            settings.redis_url,
            sandbox.url,
            prefix,
            poll_min_s=3.0,
            poll_horizon_s=3 * DAY_S,
            reply_window_s=3 * DAY_S,
        )
        moved = [0]
        stage = Stage(days, sandbox)
        store = Store(connect(days), Keys(prefix), now_ms=lambda: time.time_ns() // 1_000_000 + moved[0])
        stage.services = build_services(days, store=store, ring=stage._ring)

        def go_on() -> None:
            due = [name for name in due_sets(store) if ":due:" in name and not name.endswith(":control")]
            nexts = [store.ask(Redis.zrange, key, 0, 0, False, True) for key in due]
            due_ms = min(found[0][1] for found in nexts if found)
            moved[0] += max(0, round(due_ms) - stage.services.now_ms())
            stage.step()

        return stage, go_on

    def test_requests_of_three_days(self, simulated: tuple[Stage, Callable[[], None]], sandbox: Sandbox) -> None:
        """Delivered and never read: followed until the horizon, at about fifty requests each."""
        stage, go_on = simulated
        campaign = stage.enqueue(bulk_job(["375297779903"]))
        started_ms = stage.services.now_ms()
        while campaign.status().state != "finished":
            go_on()
        assert stage.services.now_ms() - started_ms >= 3 * DAY_S * 1000
        requests = sandbox.summary()["requests"]
        assert 45 <= requests["statusBulkViber"] <= expected_polls() + 2
        assert requests["getNewIncomingMessages"] <= expected_polls() + 2
        assert campaign.status().balanced

    def test_what_is_final_costs_no_more(self, simulated: tuple[Stage, Callable[[], None]], sandbox: Sandbox) -> None:
        stage, go_on = simulated
        campaign = stage.enqueue(bulk_job(phones(3)))
        while campaign.status().state != "finished":
            go_on()
            time.sleep(0.05)
        assert sandbox.summary()["requests"]["statusBulkViber"] <= 20
