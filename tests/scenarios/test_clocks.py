"""Real workers and beat, while the store's clock, or a machine's, is set: nothing waits for it, nothing goes out twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.ledger.states import OVER
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.scenarios.test_processes import assert_once
from tests.support.clocks import ServerWithClock, WrongClock, settable
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.processes import celery
from tests.support.waiting import wait_until

pytestmark = [settable, pytest.mark.long]
_HOUR_S, _DAY_S = 3600, 86_400
#: A campaign takes two or three seconds; on a busy machine more.
_SOON_S = 30.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerWithClock]:
    with ServerWithClock(tmp_path) as server:
        yield server


@pytest.fixture
def services(processes: Processes) -> Services:
    processes.env |= {"CAMPAIGNS_RECIPIENTS_PER_REQUEST": "2", "CAMPAIGNS_RATE_LIMIT": "10/1"}
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    return build_services(Settings.from_env(names))


def over(campaigns: list[Campaign]) -> bool:
    return all(campaign.status().state in OVER for campaign in campaigns)


def wait_for(campaigns: list[Campaign]) -> None:
    wait_until(lambda: over(campaigns), _SOON_S)


def requests(sandbox: Sandbox, method: str, more: int) -> Callable[[], bool]:
    """Whether so many more have come."""

    def number() -> int:
        return int(sandbox.summary()["requests"].get(method, 0))

    wanted = number() + more
    return lambda: number() >= wanted


def test_the_store_s_clock_is_set(
    processes: Processes, services: Services, sandbox: Sandbox, server: ServerWithClock
) -> None:
    """Forward, back and to and fro in mid campaign, with requests on the wire, in doubt, and followed."""
    processes.worker()
    processes.beat()
    expected: list[str] = []
    for number, steps_s in enumerate([(_HOUR_S, 0), (-_DAY_S,)]):
        sandbox.fault("reset_after", "sendBulkViber")
        names = phones(10, start=20 * number)
        expected += [*names, f"3752976{number:05}"]
        sent = requests(sandbox, "sendBulkViber", 2)
        campaigns = [enqueue(services, bulk_job(names))]
        wait_until(sent, _SOON_S)
        for by_s in steps_s:
            server.clock.set(by_s)
            polled = requests(sandbox, "statusBulkViber", 2)
            wait_until(lambda polled=polled, campaigns=campaigns: polled() or over(campaigns), _SOON_S)
        campaigns.append(enqueue(services, quick_job(expected[-1])))
        wait_for(campaigns)
    assert_once(sandbox, expected)


def test_the_clocks_of_machines_are_wrong(
    processes: Processes, services: Services, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A worker's is an hour ahead, and beat's is set back an hour while it runs."""
    ahead, set_back = WrongClock(tmp_path / "ahead", _HOUR_S), WrongClock(tmp_path / "set-back")
    right, processes.env = processes.env, {**processes.env, **ahead.variables()}
    processes.worker()
    processes.start("beat", celery("beat", "--loglevel", "INFO"), env={**right, **set_back.variables()}).wait_for(
        "Starting..."
    )
    campaigns = [enqueue(services, bulk_job(phones(3)))]
    wait_for(campaigns)
    set_back.set(-_HOUR_S)
    campaigns.append(enqueue(services, bulk_job(phones(3, start=10))))
    wait_for(campaigns)
    assert_once(sandbox, [*phones(3), *phones(3, start=10)])
