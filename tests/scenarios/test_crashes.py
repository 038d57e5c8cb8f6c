"""kill -9 at every exact point of sending, following and planning: never twice, never lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.events import Consumer
from campaigns.flow.scheduling.stream_room import keep_room
from campaigns.flow.scheduling.work import work
from campaigns.names import BULK
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from campaigns.store.commands import Redis
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.scenarios.conftest import Crash
from tests.support.claims import lose_what_is_due
from tests.support.doubt import send_younger
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.processes import ROOT
from tests.support.stage import Stage


def sent(stage: Stage, text: str = "hello") -> Counter[str]:
    return Counter(row["phone"] for row in stage.sandbox.ledger() if row["text"] == text)


def assert_each_once(stage: Stage, campaign: Campaign, number: int) -> None:
    assert sent(stage) == Counter(dict.fromkeys(phones(number), 1))
    assert campaign.status().recipients["settled"] == number


@pytest.mark.parametrize(
    "point",
    [
        "before permit",
        "before claim",
        "after claim",
        "after connect",
        "after first byte",
        "after whole request",
        "before record",
        "after record",
        "before release",
    ],
)
def test_sending(rig: Stage, crash: Crash, point: str) -> None:
    campaign = rig.enqueue(bulk_job(phones(10)))
    crash(point, "send", f"{campaign.id}-0")
    send_younger(rig)
    lose_what_is_due(rig.services.store)
    rig.sweep()
    rig.finish(campaign, timeout_s=30)
    assert_each_once(rig, campaign, 10)


@pytest.mark.parametrize("point", ["after whole request", "before acceptance", "after acceptance"])
def test_sending_quick(rig: Stage, crash: Crash, point: str) -> None:
    """Among others: the answer had come, and nothing of it was recorded."""
    rig.finish(rig.enqueue(quick_job(phones(1, start=6000)[0], message="known quick")))
    campaign = rig.enqueue(quick_job(phones(1)[0], message="hello"))
    crash(point, "send", f"{campaign.id}-0")
    rig.finish(campaign, timeout_s=30)
    assert_each_once(rig, campaign, 1)


@pytest.mark.parametrize(
    "point",
    [
        "before a list mailing is recorded",
        "after a list mailing is recorded",
        "before confirming",
        "after confirming",
    ],
)
def test_sending_a_list(rig: Stage, crash: Crash, point: str) -> None:
    """Created at most once more, confirmed exactly once, also where the policy lets it be confirmed again."""
    # By its word the gateway is known to say which mailings are confirmed.
    rig.finish(rig.enqueue(list_job(2, message="another")))
    before = rig.sandbox.summary()["spent_units"]
    campaign = rig.enqueue(list_job(1, message="hello", on_unknown="resend"))
    crash(point, "send", f"{campaign.id}-0")
    rig.finish(campaign, timeout_s=30)
    assert len(sent(rig)) == 4
    assert set(sent(rig).values()) == {1}
    assert campaign.status().recipients["settled"] == 4
    assert rig.sandbox.summary()["spent_units"] == before + 4 * 4900


@pytest.mark.parametrize("point", ["before a list mailing is recorded", "after a list mailing is recorded"])
def test_limits_of_a_list_outlive_a_crash(rig: Stage, crash: Crash, point: str) -> None:
    """Over `max_recipients` nothing is confirmed, whichever worker created the mailing."""
    campaign = rig.enqueue(list_job(1, message="hello", max_recipients=3))
    crash(point, "send", f"{campaign.id}-0")
    rig.finish(campaign, timeout_s=30)
    assert sent(rig) == Counter()
    assert campaign.status().recipients["rejected"] == 4


@pytest.mark.parametrize("point", ["after ids are recorded", "before intake", "after intake", "before record"])
def test_polling(rig: Stage, crash: Crash, point: str) -> None:
    campaign = rig.enqueue(bulk_job(phones(10)))
    rig.until(lambda: campaign.status().sent == 10)
    batch_id = f"{campaign.id}-0"
    if point == "before record":
        # The poll that settles the batch is the one that moves it.
        while {row["status"] for row in rig.sandbox.ledger()} != {"READ"}:
            time.sleep(0.02)
    rig.services.store.ask(Redis.hdel, rig.services.store.keys.batch(batch_id), "digest", "message_ids")
    assert not rig.services.campaigns.read(campaign.id).over
    crash(point, "poll", batch_id)
    rig.finish(campaign, timeout_s=30)
    assert_each_once(rig, campaign, 10)


@pytest.mark.parametrize(
    "point", ["before storing replies", "after storing replies", "before marking", "after marking"]
)
def test_replies(rig: Stage, crash: Crash, point: str) -> None:
    """Stored exactly once, all marked in the end."""
    campaign = rig.enqueue(bulk_job(["375297779910", "375297779909"]))
    rig.until(lambda: campaign.status().sent == 2)
    rig.until(lambda: bool(rig.services.batches.read(f"{campaign.id}-0").message_ids))
    for phone in ("375297779909", "375297779910"):
        rig.sandbox.reply(phone, f"from {phone}")
    crash(point, "replies", f"{campaign.id}-0")
    rig.finish(campaign, timeout_s=30)
    rig.until(lambda: len(campaign.replies()) == 5 and rig.sandbox.summary()["unmarked_replies"] == 0)
    assert rig.event_types(campaign).count("reply.received") == 5


@pytest.mark.parametrize(
    "point",
    [
        *("after opening a plan", "after planning batches", "before finishing a plan", "after finishing a plan"),
        *("before storing a campaign", "after storing a campaign"),
    ],
)
def test_planning(rig: Stage, crash: Crash, point: str) -> None:
    """A producer that dies leaves a whole campaign or none, and its key does the right thing."""
    crash(point, "enqueue", "-")
    campaign = rig.enqueue(bulk_job(phones(30)), key="crash")
    rig.finish(campaign, timeout_s=30)
    assert_each_once(rig, campaign, 30)
    rig.sweep()
    states = Counter(c.state for c in rig.services.campaigns.newest())
    assert states["finished"] == 2
    assert states["planning"] == 0


@pytest.mark.parametrize("point", ["before trimming", "after trimming"])
def test_trimming(rig: Stage, crash: Crash, point: str) -> None:
    """What a group has not acknowledged is still there."""
    Consumer(rig.services.store, "crm").create_group()
    there = len(list(rig.services.events.since()))
    crash(point, "trim", "-")
    keep_room(rig.services)
    assert len(list(rig.services.events.since())) == there


def test_between_record_and_acknowledgement(processes: Processes, sandbox: Sandbox, prefix: str) -> None:
    """The wake-up comes again, and the ledger has moved on."""
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    services = build_services(Settings.from_env(names))
    campaign = enqueue(services, bulk_job(phones(10)))
    urls = [names["CAMPAIGNS_REDIS_URL"], sandbox.url, prefix]
    child = [sys.executable, "-m", "tests.support.crash_child", "before ack", "worker", "-", *urls]
    ended = subprocess.run(child, cwd=ROOT, env=processes.env, capture_output=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert campaign.status().sent == 10
    assert services.store.ask(Redis.hlen, prefix + "celery:unacked") == 1
    work(services, BULK, overlap=1)
    processes.worker()
    processes.beat()
    until = time.monotonic() + 40
    while campaign.status().state != "finished":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert Counter(row["phone"] for row in sandbox.ledger()) == Counter(dict.fromkeys(phones(10), 1))


def test_a_frozen_worker_sends_nothing_late(rig: Stage) -> None:
    """Time passes between claim and first byte, as for a process that was stopped: the guard refuses."""
    campaign = rig.enqueue(bulk_job(phones(10)))
    real = rig.services.boot_s
    moments = iter([real(), *(real() + 3600 for _ in range(100))])
    frozen = Stage(rig.services.settings, rig.sandbox)
    object.__setattr__(frozen.services, "boot_s", lambda: next(moments))
    frozen.send(f"{campaign.id}-0")
    assert sent(rig) == Counter()
    assert campaign.status().recipients["planned"] == 10
    rig.finish(campaign)
    assert_each_once(rig, campaign, 10)


@pytest.mark.parametrize(
    "point",
    ["after planning batches", "before finishing a plan", "after finishing a plan", "after storing a campaign"],
)
def test_a_draft_whose_producer_dies_is_a_draft_or_nothing(rig: Stage, crash: Crash, point: str) -> None:
    crash(point, "draft", "-")
    rig.sweep()
    for _ in range(3):
        rig.step()
    assert sent(rig) == Counter()
    if not point.startswith("after finishing") and not point.startswith("after storing"):
        return
    campaign = enqueue(rig.services, bulk_job(phones(30)), key="crash", start="draft", by="ann")
    assert campaign.status().state == "draft"
    campaign.approve(by="bob")
    rig.finish(campaign)
    assert sent(rig) == Counter(phones(30))


@pytest.mark.parametrize("point", ["before approving", "after approving"])
def test_an_approval_that_dies_leaves_a_draft_or_lets_it_go_out(rig: Stage, crash: Crash, point: str) -> None:
    campaign = rig.enqueue(bulk_job(phones(10)), start="draft", by="ann")
    crash(point, "approve", f"{campaign.id}-0")
    if point == "before approving":
        for _ in range(3):
            rig.sweep()
            rig.step()
        assert (campaign.status().state, sent(rig)) == ("draft", Counter())
        campaign.approve(by="bob")
    rig.finish(campaign)
    assert sent(rig) == Counter(phones(10))
    assert rig.event_types(campaign).count("campaign.approved") == 1
