"""The frequency cap with processes that are killed: nobody gets more messages than it allows, and nobody is forgotten."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from campaigns.enqueue import enqueue
from campaigns.jobs.caps import Cap
from campaigns.ledger import SEND, Entry, Portion
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.times.days import day_of
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.scenarios.conftest import Crash
from tests.support.jobs import bulk_job, phones
from tests.support.rig import rig_settings
from tests.support.stage import Stage

COUNTING = ["after beginning to count", "before counting", "after counting", "before excluding", "after excluding"]


@pytest.fixture
def rig(server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> Stage:
    """At most one message to a phone in seven days, and doubts that are settled in seconds."""
    return Stage(rig_settings(server.url, sandbox.url, prefix, cap_messages=1), sandbox)


def counted(stage: Stage, number: int) -> int:
    """Of how many of the first phones a message counts today."""
    services = stage.services
    day = day_of(services.now_ms(), services.settings.gateway_timezone).number
    return sum(services.counts.checker(Cap.read("|1/7"), day)(phones(number)))


def due_now(stage: Stage, batch_id: str) -> None:
    """As if the half minute had passed after which a check is taken for dead."""
    services = stage.services
    services.due.put(Entry(SEND, batch_id), services.batches.read(batch_id), services.now_ms())


@pytest.mark.parametrize("point", [*COUNTING, "after claim", "after first byte", "before record"])
def test_a_worker_that_dies_before_it_sends(rig: Stage, crash: Crash, point: str) -> None:
    """Another campaign to the same phones waits beside it. Each phone gets one message of the two, or none in doubt."""
    first, second = (rig.enqueue(bulk_job(phones(12), text=text)) for text in ("first", "second"))
    batch_id = f"{first.id}-0"
    crash(point, "send", batch_id)
    for campaign in (first, second):
        for name in rig.services.campaigns.read(campaign.id).batch_ids():
            if rig.services.batches.read(name).state == "planned":
                due_now(rig, name)
    rig.until(lambda: all(c.status().recipients["planned"] == 0 for c in (first, second)))
    got = Counter(row["phone"] for row in rig.sandbox.ledger())
    assert max(got.values()) == 1
    statuses = [campaign.status() for campaign in (first, second)]
    doubtful = sum(s.recipients[state] for s in statuses for state in ("unknown", "held", "sending"))
    assert len(got) + doubtful >= 12
    assert sum(s.recipients["capped"] for s in statuses) == 12
    assert counted(rig, 12) == 12


@pytest.mark.parametrize(
    "point",
    [*COUNTING[:3], "before the end of a count", "after the end of a count"],
)
def test_a_worker_that_dies_while_it_takes_back(rig: Stage, crash: Crash, point: str) -> None:
    """What another campaign sends meanwhile is not taken back in its place."""
    rig.sandbox.fault("refuse", "sendBulkViber")
    refused = rig.enqueue(bulk_job(phones(5)))
    rig.until(lambda: refused.status().recipients["rejected"] == 5)
    batch_id, services = f"{refused.id}-0", rig.services
    # Count it again, as it was before it was refused and taken back.
    rig.until(lambda: counted(rig, 5) == 0)
    day = day_of(services.now_ms(), services.settings.gateway_timezone).number
    recount(rig, batch_id, day)
    assert counted(rig, 5) == 5
    crash(point, "count", batch_id)
    rig.sweep()
    rig.until(lambda: counted(rig, 5) == 0)
    other = rig.enqueue(bulk_job(phones(5), text="other"))
    rig.finish(other)
    rig.sweep()
    rig.step()
    assert counted(rig, 5) == 5
    assert Counter(row["phone"] for row in rig.sandbox.ledger()) == Counter(phones(5))


def recount(stage: Stage, batch_id: str, day: int) -> None:
    """Count a batch as if it had been sent."""
    counts = stage.services.counts
    assert counts.begin(batch_id, "op", ["rejected"])
    assert counts.count(batch_id, "op", Portion(0, 0, phones(5)), day, Cap.read("|1/7"), limited=True) == []
    counts.end(batch_id, "op", day)


@pytest.mark.long
def test_real_workers_with_one_killed(processes: Processes, sandbox: Sandbox) -> None:
    """Three campaigns to the same phones, of which each may get two messages."""
    processes.env["CAMPAIGNS_CAP_MESSAGES"] = "2"
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    services = build_services(Settings.from_env(names))
    campaigns = [enqueue(services, bulk_job(phones(400), text=f"campaign {n}")) for n in range(3)]
    killed, _, _ = processes.worker(), processes.worker(), processes.beat()
    until = time.monotonic() + 100
    while not sandbox.ledger():
        assert time.monotonic() < until
        time.sleep(0.02)
    killed.kill9()
    while any(campaign.status().recipients["planned"] for campaign in campaigns):
        assert time.monotonic() < until, [campaign.status() for campaign in campaigns]
        time.sleep(0.1)
    while any(campaign.status().recipients["sending"] for campaign in campaigns):
        assert time.monotonic() < until
        time.sleep(0.1)
    statuses = [campaign.status() for campaign in campaigns]
    assert max(Counter(row["phone"] for row in sandbox.ledger()).values()) <= 2
    assert sum(status.recipients["capped"] for status in statuses) == 400
    assert all(status.balanced for status in statuses)
