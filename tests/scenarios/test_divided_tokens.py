"""Real workers that divide the tokens: both serve every queue, each sends and follows its own account's messages."""

from __future__ import annotations

import time

import pytest

from campaigns import Client
from campaigns.names import QUEUES
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.commands import Redis
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.support.jobs import phones, quick_job
from tests.support.waiting import wait_until

#: What all processes share, whichever tokens they have.
_SHARED = {
    "CAMPAIGNS_OTHER_ACCOUNTS": "default,shop",
    "CAMPAIGNS_MESSAGE_COST": "0.05",
    "CAMPAIGNS_DAILY_BUDGET_SHOP": "1000",
    "CAMPAIGNS_DAILY_BUDGET_DEFAULT": "1000",
}


@pytest.fixture
def client(processes: Processes) -> Client:
    """A producer without tokens, beside beat and two workers."""
    token = processes.env.pop("CAMPAIGNS_TOKEN")
    processes.env |= _SHARED
    for alias, variable in (("default", "CAMPAIGNS_TOKEN"), ("shop", "CAMPAIGNS_TOKEN_SHOP")):
        env = {**processes.env, variable: token}
        processes.worker(QUEUES, "--concurrency", "4", "--hostname", f"{alias}@here", env=env)
    processes.beat()
    return Client(Settings.from_env(processes.env))


def test_both_accounts_send_and_are_followed(client: Client, processes: Processes, sandbox: Sandbox) -> None:
    """Everybody once, and no account pauses because a worker lacks its token."""
    jobs = [
        {**quick_job(*phones(1, start=20 * number + first)), "account": account}
        for number in range(10)
        for first, account in enumerate(("default", "shop"))
    ]
    campaigns = [client.enqueue(job) for job in jobs]
    began_s = time.monotonic()
    wait_until(lambda: all(campaign.status().sent for campaign in campaigns), 30)
    sent_s = time.monotonic() - began_s
    wait_until(lambda: all(campaign.status().final for campaign in campaigns), 60)
    assert sorted(row["phone"] for row in sandbox.ledger()) == sorted(job["delivery_list"][0] for job in jobs)
    assert "no_token" not in processes.report()
    assert "no token" not in processes.report()
    assert sent_s < 15
    store = build_services(Settings.from_env(processes.env)).store
    reports = {f"{account}|{queue}".encode() for account in ("default", "shop") for queue in QUEUES}
    assert set(store.ask(Redis.zrange, store.keys.with_token(), 0, -1)) == reports
