"""Opt-outs of a topic, with processes and a store that are killed: they hold, and each is said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from campaigns import Client
from campaigns.enqueue import enqueue
from campaigns.ledger import SEND, Entry, Scope
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.scenarios.conftest import Crash
from tests.scenarios.test_processes import over
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.rig import rig_settings
from tests.support.stage import Stage
from tests.support.waiting import wait_until

OFFERS = Scope("default", "offers")


@pytest.fixture
def rig(server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> Stage:
    return Stage(rig_settings(server.url, sandbox.url, prefix, optout_scope="topic"), sandbox)


@pytest.mark.parametrize("job", [bulk_job, lambda people, **more: quick_job(*people, **more)], ids=["bulk", "quick"])
@pytest.mark.parametrize("point", ["before excluding", "after excluding", "after claim"])
def test_a_worker_that_dies_while_it_checks(
    rig: Stage, crash: Crash, point: str, job: Callable[..., dict[str, object]]
) -> None:
    campaign = rig.enqueue(job(phones(1), topic="offers"))
    spared = rig.enqueue(job(phones(1, start=1), topic="news"))
    rig.services.optouts.add(phones(2), scope=OFFERS)
    crash(point, "send", f"{campaign.id}-0")
    for one in (campaign, spared):
        batch = rig.services.batches.read(f"{one.id}-0")
        rig.services.due.put(Entry(SEND, batch.id), batch, rig.services.now_ms())
    rig.finish(campaign, spared, timeout_s=30)
    assert {row["phone"] for row in rig.sandbox.ledger()} == set(phones(1, start=1))
    assert [one.reason for one in campaign.excluded()] == ["opted_out"]


@pytest.mark.parametrize("point", ["before storing replies", "after storing replies", "before marking"])
def test_a_worker_that_dies_with_a_reply(rig: Stage, crash: Crash, point: str) -> None:
    """The topic is opted out of once, by one event, and nothing else is."""
    (phone,) = phones(1)
    campaign = rig.enqueue(bulk_job([phone], topic="offers"))
    rig.until(lambda: bool(rig.services.batches.read(f"{campaign.id}-0").message_ids))
    rig.sandbox.reply(phone, "stop")
    crash(point, "replies", f"{campaign.id}-0", more=["topics"])
    rig.finish(campaign, timeout_s=30)
    # The campaign may finish first: the replies are due again once the lease of the dead worker is over.
    rig.until(lambda: bool(rig.services.optouts.every_of(phone)))
    assert [optout.scope for optout in rig.services.optouts.every_of(phone)] == [OFFERS]
    assert Counter(rig.event_types(campaign))["optout.added"] == 1


def test_the_store_is_killed(sandbox: Sandbox, prefix: str, tmp_path: Path) -> None:
    """kill -9 of the store after an opt-out was confirmed: a campaign that was planned before keeps to it."""
    with EmbeddedServer() as server:
        env = environment(server.url, sandbox.url, prefix)
        processes = Processes(tmp_path, env)
        try:
            services = build_services(Settings.from_env({n: v for n, v in env.items() if n.startswith("CAMPAIGNS_")}))
            offers, news = (
                enqueue(services, bulk_job(phones(6), text=topic, topic=topic)) for topic in ("offers", "news")
            )
            Client.over(services).optouts.add(phones(2), topic="offers")
            server.kill()
            server.restart()
            processes.worker()
            processes.beat()
            wait_until(over(offers, news), 60)
            got = Counter((row["phone"], row["text"]) for row in sandbox.ledger())
            assert got == Counter([*((p, "news") for p in phones(6)), *((p, "offers") for p in phones(4, start=2))])
            assert offers.status().recipients["opted_out"] == 2
        finally:
            processes.end()
