"""Real workers, real beat, a real server; whatever dies in between, each recipient gets each message once."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.ledger.states import OVER
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.support.jobs import bulk_job, list_job, phones, quick_job, sample_job
from tests.support.waiting import wait_until


@pytest.fixture
def services(processes: Processes) -> Services:
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    return build_services(Settings.from_env(names))


def over(*campaigns: Campaign) -> Callable[[], bool]:
    return lambda: all(campaign.status().state in OVER for campaign in campaigns)


def assert_once(sandbox: Sandbox, expected: list[str]) -> None:
    """The sandbox's ledger: these phones, each once."""
    got = Counter(row["phone"] for row in sandbox.ledger())
    assert max(got.values()) == 1
    assert sorted(got) == sorted(expected)


def test_all_kinds(processes: Processes, services: Services, sandbox: Sandbox) -> None:
    """Every method of the gateway is reached by real workers."""
    processes.worker()
    processes.beat()
    sandbox.fault("reset_after", "sendBulkViber")
    campaigns = [
        enqueue(services, sample_job(schedule=None)),
        enqueue(services, quick_job("375297779909")),
        enqueue(services, list_job(1)),
    ]
    wait_until(over(*campaigns))
    wait_until(lambda: len(campaigns[1].replies()) == 1)
    wait_until(lambda: sandbox.summary()["unmarked_replies"] == 0)
    bulk = enqueue(services, bulk_job(phones(5)))
    wait_until(over(bulk))
    assert [campaign.status().statuses for campaign in campaigns] == [{"READ": 10}, {"READ": 1}, {"READ": 4}]
    assert set(sandbox.summary()["requests"]) == {
        "sendBulkViber",
        "statusBulkViber",
        "sendQuickViberMessage",
        "getViberDeliveryData",
        "sendViberMessageList",
        "confirmViberMessage",
        "getViberMessages",
        "getViberMessageData",
        "getViberDeliveryList",
        "getNewIncomingMessages",
        "readResponseStatus",
    }


def test_killed_worker(processes: Processes, services: Services, sandbox: Sandbox) -> None:
    """kill -9 of a worker with all its children in mid campaign: what was on the wire is reconciled."""
    processes.env["CAMPAIGNS_RECIPIENTS_PER_REQUEST"] = "10"
    sandbox.change(latency_s=0.15)
    first = processes.worker()
    processes.beat()
    small = build_services(Settings.from_env({n: v for n, v in processes.env.items() if n.startswith("CAMPAIGNS_")}))
    campaign = enqueue(small, bulk_job(phones(300), on_unknown="resend"))
    wait_until(lambda: 30 <= campaign.status().sent < 250)
    first.kill9()
    sandbox.change(latency_s=0.0)
    processes.worker()
    # Without a younger batch in the listing nothing would prove that the last ones of the campaign never arrived.
    younger = enqueue(small, bulk_job(phones(10, start=5000), text="younger"))
    wait_until(over(campaign, younger), 90)
    status = campaign.status()
    assert status.recipients["settled"] == 300
    assert_once(sandbox, phones(300) + phones(10, start=5000))


def test_killed_beat(processes: Processes, services: Services, sandbox: Sandbox) -> None:
    """Without beat what is due waits; with the next beat it goes on."""
    processes.worker()
    beat = processes.beat()
    campaign = enqueue(services, bulk_job(phones(50)))
    wait_until(lambda: campaign.status().sent == 50)
    beat.kill9()
    processes.beat()
    wait_until(over(campaign))
    assert_once(sandbox, phones(50))


def test_two_beats(processes: Processes, services: Services, sandbox: Sandbox) -> None:
    processes.worker()
    processes.beat()
    processes.beat()
    campaigns = [enqueue(services, bulk_job(phones(40, start=100 * n))) for n in range(3)]
    wait_until(over(*campaigns))
    assert_once(sandbox, [phone for n in range(3) for phone in phones(40, start=100 * n)])


def test_killed_server(sandbox: Sandbox, prefix: str, tmp_path: Path) -> None:
    """kill -9 of the store in mid campaign, started again on its data: nothing is lost, nothing doubled."""
    with EmbeddedServer() as server:
        env = environment(server.url, sandbox.url, prefix)
        env["CAMPAIGNS_RECIPIENTS_PER_REQUEST"] = "10"
        processes = Processes(tmp_path, env)
        try:
            sandbox.change(latency_s=0.1)
            processes.worker()
            processes.beat()
            services = build_services(Settings.from_env({n: v for n, v in env.items() if n.startswith("CAMPAIGNS_")}))
            campaign = enqueue(services, bulk_job(phones(300), on_unknown="resend"))
            wait_until(lambda: campaign.status().sent >= 30)
            server.kill()
            time.sleep(1)
            server.restart()
            sandbox.change(latency_s=0.0)
            younger = enqueue(services, bulk_job(phones(10, start=5000), text="younger"))
            wait_until(over(campaign, younger), 90)
            assert campaign.status().recipients["settled"] == 300
            assert_once(sandbox, phones(300) + phones(10, start=5000))
        finally:
            processes.end()


def test_wiped_broker(processes: Processes, services: Services, sandbox: Sandbox) -> None:
    """Every Celery message is lost: the ledger finds all of it again."""
    campaign = enqueue(services, bulk_job(phones(30)))
    services.store.ask(Redis.delete, *services.store.redis.scan_iter(match=services.settings.key_prefix + "celery:*"))
    processes.worker()
    processes.beat()
    wait_until(over(campaign))
    assert_once(sandbox, phones(30))


class TestSubmit:
    """Jobs as raw messages, from any language."""

    def test_valid_and_broken(self, processes: Processes, services: Services, sandbox: Sandbox) -> None:
        processes.worker()
        processes.beat()
        publish(processes.env, bulk_job(phones(4)), "11111111-aaaa-4aaa-8aaa-000000000001")
        publish(processes.env, bulk_job(phones(4)), "11111111-aaaa-4aaa-8aaa-000000000001")
        publish(processes.env, {"messages": [{"name": "x"}], "token": "t"}, "11111111-aaaa-4aaa-8aaa-000000000002")
        wait_until(lambda: len(list(services.campaigns.newest())) == 2)
        by_state = lambda: {c.state: c for c in services.campaigns.newest()}  # noqa: E731
        wait_until(lambda: set(by_state()) == {"finished", "invalid"})
        assert_once(sandbox, phones(4))
        invalid = by_state()["invalid"]
        errors = json.loads(invalid.fields["errors"])
        assert errors["token"] == ["is refused: a job names an account, never a token"]
        assert set(errors["messages"]["0"]) == {"alphaname_id", "message_type", "content", "delivery_list"}
        types = [event.type for event in services.events.since(source=invalid.id)]
        assert types == ["campaign.invalid"]


def publish(env: dict[str, str], job: object, message_id: str) -> None:
    """What a service in another language does: Celery's message protocol 2, written by hand."""
    body = base64.b64encode(json.dumps([[job], {}, {}]).encode()).decode()
    message = {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "campaigns.submit", "id": message_id},
        "properties": {
            "correlation_id": message_id,
            "delivery_info": {"exchange": "", "routing_key": "control"},
            "delivery_tag": str(uuid.uuid4()),
            "body_encoding": "base64",
        },
    }
    with Redis.from_url(env["CAMPAIGNS_REDIS_URL"]) as redis:
        redis.lpush(env["CAMPAIGNS_KEY_PREFIX"] + "celery:control", json.dumps(message))


def test_rolling_restart(processes: Processes, services: Services, sandbox: Sandbox) -> None:
    """SIGTERM in the middle of a request: the worker finishes it, and nothing comes into doubt."""
    processes.env["CAMPAIGNS_RECIPIENTS_PER_REQUEST"] = "10"
    processes.env["CAMPAIGNS_OVERLAP"] = "1"
    sandbox.change(latency_s=0.7)
    small = build_services(Settings.from_env({n: v for n, v in processes.env.items() if n.startswith("CAMPAIGNS_")}))
    workers = [processes.worker(), processes.worker()]
    processes.beat()
    # More than one worker sends while the other starts three times, on a slow machine too.
    people = phones(1500)
    campaign = enqueue(small, bulk_job(people))
    for _ in range(3):
        wait_until(lambda: campaign.status().recipients["sending"] > 0)
        assert workers.pop(0).stop() == 0
        workers.append(processes.worker())
    sandbox.change(latency_s=0.0)
    wait_until(over(campaign))
    assert campaign.status().recipients["settled"] == 1500
    assert "batch.unknown" not in [event.type for event in services.events.since(source=campaign.id)]
    assert_once(sandbox, people)
