"""Windows with real processes: nothing begins after one closes, whoever dies then, and the morning finds all of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.embedded import EmbeddedServer
from campaigns.testing.clock import MovedClock
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.scenarios.conftest import Crash
from tests.support.jobs import bulk_job, phones
from tests.support.rig import rig_settings
from tests.support.stage import Stage

OFFICE = {"send_between": ["09:00", "20:00"], "send_zone": "UTC"}


class Hours:
    """A time of one's own for store and gateway. It is set while no process runs: one that does would notice."""

    def __init__(self) -> None:
        self.gateway = MovedClock()
        self.tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

    def at(self, days: int, clock: str) -> datetime:
        hours, minutes, seconds = (int(part) for part in clock.split(":"))
        return self.tomorrow + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def set_to(self, moment: datetime, store: Store) -> None:
        by_ms = round(moment.timestamp() * 1000) - self.gateway()
        self.gateway.move(by_ms)
        server_ms = time.time_ns() // 1_000_000
        fields = {"offset_ms": self.gateway() - server_ms, "seen_ms": server_ms}
        store.redis.hset(store.keys.clock(), mapping=fields)

    def full_minute(self, after_s: float) -> datetime:
        """The first at least so many seconds ahead."""
        moment = datetime.fromtimestamp(self.gateway() / 1000 + after_s + 60, tz=UTC)
        return moment.replace(second=0, microsecond=0)

    def wait_until(self, moment: datetime) -> None:
        while self.gateway() < moment.timestamp() * 1000:
            time.sleep(0.02)


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def gateway(hours: Hours) -> Iterator[Sandbox]:
    with Sandbox(options=Options(balance="1000000"), now_ms=hours.gateway) as sandbox:
        yield sandbox


def services_of(env: dict[str, str]) -> Services:
    """As another process would build them: it reads the time anew."""
    return build_services(Settings.from_env({n: v for n, v in env.items() if n.startswith("CAMPAIGNS_")}))


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [4_000, 100_000])
def test_a_campaign_over_a_closing_with_a_worker_killed(
    server: EmbeddedServer, gateway: Sandbox, hours: Hours, prefix: str, tmp_path: Path, number: int
) -> None:
    env = environment(server.url, gateway.url, prefix)
    env |= {
        "CAMPAIGNS_SIGNS_FOLDER": str(tmp_path),
        "CAMPAIGNS_EVENTS_LIFE_S": "9000000",
        "CAMPAIGNS_RECIPIENTS_PER_REQUEST": str(number // 80),
        # What the killed worker had in hand may not have arrived. That is proven once the morning's batches are
        # listed, so the third of four checks must come after the opening.
        "CAMPAIGNS_CHECK_INTERVAL_S": "10",
    }
    hours.set_to(hours.at(0, "19:00:30"), services_of(env).store)
    processes = Processes(tmp_path, env)
    try:
        killed, _, _ = processes.worker(["bulk"]), processes.worker(), processes.beat()
        services = services_of(env)
        closes = hours.full_minute(after_s=6.4)
        window = {**OFFICE, "send_between": ["09:00", f"{closes:%H:%M}"]}
        job = bulk_job(phones(number), **window, rate=f"{number // 12}/second", follow="none", replies=False)
        campaign = enqueue(services, {**job, "on_unknown": "resend"}, start="draft", by="ann")
        hours.wait_until(closes - timedelta(seconds=4))
        campaign.approve(by="bob")
        hours.wait_until(closes - timedelta(seconds=2))
        killed.kill9()
        hours.wait_until(closes + timedelta(seconds=20))
    finally:
        processes.end()
    in_time = begun(services_of(env), campaign, closes)
    status = campaign.status()
    assert 0 < status.recipients["planned"] < number
    assert status.window_opens_at == hours.at(1, "09:00:00")
    hours.set_to(hours.at(1, "08:59:50"), services_of(env).store)
    processes = Processes(tmp_path, env)
    try:
        processes.worker(), processes.beat()
        campaign = Campaign.of(services_of(env), campaign.id)
        hours.wait_until(hours.at(1, "08:59:59"))
        assert begun(services_of(env), campaign, hours.at(1, "09:00:00")) == in_time
        assert campaign.wait(timeout_s=120).balanced
    finally:
        processes.end()
    assert sent(gateway) == Counter(phones(number))
    events = services_of(env).events.since(source=campaign.id)
    opens_ms = [event.data["opens_ms"] for event in events if event.type == "campaign.window_closed"]
    assert opens_ms == [round(hours.at(1, "09:00:00").timestamp() * 1000)]


@pytest.mark.parametrize("point", ["before guarding", "after guarding", "after storing a campaign"])
def test_a_producer_that_dies(rig: Stage, crash: Crash, point: str) -> None:
    """No campaign goes out without its window."""
    crash(point, "windowed", "-")
    rig.sweep()
    for _ in range(3):
        rig.step()
    campaign = rig.enqueue({**bulk_job(phones(30)), "send_between": ["00:00", "24:00"]}, key="crash")
    rig.finish(campaign, timeout_s=30)
    assert "00:00 to 24:00" in campaign.status().send_window
    assert rig.services.campaigns.read(campaign.id).openings.keys() == {"Europe/Minsk"}
    assert sent(rig.sandbox) == Counter(phones(30)) + Counter(phones(3, start=5000))


@pytest.mark.parametrize("point", ["before claim", "after claim", "before guarding", "after guarding"])
def test_a_worker_that_dies_while_it_is_closed(
    server: EmbeddedServer, gateway: Sandbox, hours: Hours, prefix: str, crash: Crash, point: str
) -> None:
    """As it puts the campaign back, or as it writes further openings."""
    night = stage_of(server, gateway, prefix)
    campaign = night.enqueue({**bulk_job(phones(20)), **OFFICE})
    sweeps = "guarding" in point
    hours.set_to(hours.at(20 if sweeps else 0, "22:00:00"), night.services.store)
    crash(point, "sweep" if sweeps else "send", f"{campaign.id}-0", gateway.url)
    night = stage_of(server, gateway, prefix)
    night.sweep()
    night.step()
    assert sent(gateway) == Counter()
    hours.set_to(hours.at(21 if sweeps else 1, "09:00:01"), night.services.store)
    morning = stage_of(server, gateway, prefix)
    morning.finish(Campaign.of(morning.services, campaign.id), timeout_s=30)
    assert sent(gateway) == Counter(phones(20))


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_a_doubt_of_the_evening_is_resolved_by_the_batches_of_the_morning(
    server: EmbeddedServer, gateway: Sandbox, hours: Hours, prefix: str, policy: str
) -> None:
    """Nothing younger is sent at night, so nothing proves absence. Who wants it held is not kept waiting for that."""

    def at(day: int, clock: str) -> Stage:
        hours.set_to(hours.at(day, clock), stage_of(server, gateway, prefix).services.store)
        stage = stage_of(server, gateway, prefix)
        stage.step()
        return stage

    evening = at(0, "19:59:30")
    gateway.fault("reset_before", "sendBulkViber")
    campaign = evening.enqueue({**bulk_job(phones(20)), **OFFICE, "rate": "10/minute", "on_unknown": policy})
    evening.step()
    for number in range(10):
        at(0, f"20:{number:02}:00")
    assert sent(gateway) == Counter()
    assert campaign.status().recipients["unknown" if policy == "resend" else "held"] == 10
    if policy == "resend":
        at(1, "08:59:00")
        for number in range(10):
            morning = at(1, f"09:{number:02}:00")
        assert sent(gateway) == Counter(phones(20))
        morning.finish(Campaign.of(morning.services, campaign.id), timeout_s=30)


def stage_of(server: EmbeddedServer, gateway: Sandbox, prefix: str) -> Stage:
    """What is built anew reads the time anew, as another process does."""
    return Stage(rig_settings(server.url, gateway.url, prefix, events_life_s=9_000_000.0), gateway)


def sent(gateway: Sandbox) -> Counter[str]:
    return Counter(row["phone"] for row in gateway.ledger())


def begun(services: Services, campaign: Campaign, before: datetime) -> int:
    """How many requests began; none of them after a moment."""
    times = [event.time for event in services.events.since(source=campaign.id) if event.type == "batch.sending"]
    assert datetime.fromisoformat(max(times)) < before
    return len(times)
