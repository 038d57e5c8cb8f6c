"""Negative controls: what goes wrong on purpose is seen by the same rig that finds nothing wrong otherwise."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from campaigns.campaign import Campaign, list_campaigns
from campaigns.events import Consumer
from campaigns.gateway import Gateway, Transport
from campaigns.ledger import SEND, Entry
from campaigns.sandbox.server import Sandbox
from campaigns.store.embedded import EmbeddedServer
from tests.gateway.wire import serving
from tests.rig.mutants import IN_WORKERS, TrustsSslErrors, dead_leases_are_planned_again, trimming_is_blind
from tests.rig.oracle import Findings, Wanted, judge
from tests.rig.ordinary import Ordinary
from tests.rig.workers import Treatment
from tests.support.doubt import send_younger
from tests.support.jobs import bulk_job, phones
from tests.support.processes import ROOT
from tests.support.rig import rig_settings
from tests.support.stage import Stage

CERTIFICATE = Path(__file__).parent.parent / "gateway" / "localhost.pem"


def named(text: str, number: int, start: int = 0, **more: str) -> dict[str, object]:
    return {**bulk_job(phones(number, start=start), text=text), "name": text, **more}


@pytest.fixture
def rig(server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> Stage:
    """A stage on which another batch is known to the listing, so that absence can be proven."""
    stage = Stage(rig_settings(server.url, sandbox.url, prefix), sandbox)
    stage.finish(stage.enqueue(named("known", 3, start=5000)))
    return stage


def child(stage: Stage, point: str, batch_id: str, *mutants: str) -> subprocess.Popen[bytes]:
    settings = stage.services.settings
    where = [settings.redis_url, settings.gateway_url, settings.key_prefix]
    command = [sys.executable, "-m", "tests.support.crash_child", point, "send", batch_id, *where, *mutants]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def judged(stage: Stage, campaign: Campaign, *others: Wanted) -> Findings:
    stage.until(lambda: campaign.status().state == "finished", timeout_s=30)
    known = next(status.id for status in list_campaigns(stage.services) if status.name == "known")
    wanted = [
        Wanted(campaign, "hello", phones(10)),
        Wanted(Campaign.of(stage.services, known), "known", phones(3, start=5000)),
        *others,
    ]
    return judge(stage.services, wanted, stage.sandbox)


@pytest.mark.parametrize("mutant", [False, True])
def test_dead_leases(rig: Stage, mutant: bool) -> None:
    """The request had left, and its worker died."""
    campaign = rig.enqueue(named("hello", 10))
    process = child(rig, "after whole request", f"{campaign.id}-0")
    assert process.wait(30) == -signal.SIGKILL
    broken: AbstractContextManager[None] = dead_leases_are_planned_again() if mutant else nullcontext()
    with broken:
        findings = judged(rig, campaign)
    assert len(findings.doubles) == (10 if mutant else 0)
    assert findings.kept is not mutant


@pytest.mark.parametrize("mutants", [[], ["no guard"]])
def test_frozen_and_thawed(rig: Stage, mutants: list[str]) -> None:
    """A worker is stopped after its claim and goes on when another one has sent the batch."""
    campaign = rig.enqueue(named("hello", 10))
    process = child(rig, "frozen after claim", f"{campaign.id}-0", *mutants)
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        other = Wanted(send_younger(rig), "younger", phones(2, start=500))
        rig.until(lambda: campaign.status().sent == 10, timeout_s=30)
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(30) == 0
        findings = judged(rig, campaign, other)
    finally:
        process.kill()
        process.wait()
    assert len(findings.doubles) == (10 if mutants else 0)
    assert findings.kept is not bool(mutants)


@pytest.mark.parametrize("mutant", sorted(IN_WORKERS))
def test_workers_of_the_storm_stay_mutants(mutant: str) -> None:
    """What was done to a process at its start is still done to it later on."""
    code = """
import gc
from campaigns.flow.scheduling import leases
from campaigns.gateway import Transport
from campaigns.gateway.exchange import Exchange
from campaigns.events import Events
before = (leases.declare_unknown, Transport.send, Exchange.__init__, Events.trim)
import tests.rig.workers
gc.collect()
after = (leases.declare_unknown, Transport.send, Exchange.__init__, Events.trim)
assert before != after, "nothing was changed"
"""
    env = os.environ | Treatment(str(CERTIFICATE), mutant=mutant).as_environment()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, timeout=60)


@pytest.mark.parametrize("transport", [Transport, TrustsSslErrors])
def test_ssl_error_after_the_request(rig: Stage, transport: type[Transport]) -> None:
    """The whole request was read, and then the TLS connection breaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def behave(connection: object, _: bytes) -> None:
        """Bytes that are no TLS, behind TLS's back."""
        os.write(connection.fileno(), b"\x17\x03\x03\x00\x10" + b"x" * 16)  # type: ignore[attr-defined]

    with serving(behave, tls=context) as wire:
        gateway = Gateway(
            transport(f"https://localhost:{wire.port}", connect_timeout_s=2, deadline_s=2, ca_file=str(CERTIFICATE)),
            rig.services.settings.token("default"),
        )
        campaign = rig.enqueue(named("hello", 10))
        broken = Stage(rig.services.settings, rig.sandbox)
        broken.services = replace(broken.services, gateway=lambda _: gateway)
        for _ in range(3):
            broken.send(f"{campaign.id}-0")
            entry = Entry(SEND, f"{campaign.id}-0")
            if campaign.status().recipients["planned"]:
                broken.services.due.put(entry, broken.services.batches.read(entry.id), 0)
    assert (len(wire.requests) == 1) is (transport is Transport)
    assert campaign.status().recipients["unknown"] == (10 if transport is Transport else 0)


@pytest.mark.parametrize("mutant", [False, True])
def test_trimming_what_a_group_has_not_read(rig: Stage, mutant: bool) -> None:
    consumer = Consumer(rig.services.store, "crm")
    consumer.create_group()
    rig.finish(rig.enqueue(named("hello", 10)))
    there = [event.id for event in rig.services.events.since()]
    broken: AbstractContextManager[None] = trimming_is_blind() if mutant else nullcontext()
    with broken:
        rig.services.events.trim(0, 100)
    read = {event.id.partition("#")[0] for event in consumer.events(idle_s=0.1)}
    assert (read >= set(there)) is not mutant


@pytest.mark.parametrize(("loses_writes", "mutant"), [(False, False), (True, False), (True, True)])
def test_store_that_loses_writes(sandbox: Sandbox, prefix: str, loses_writes: bool, mutant: bool) -> None:
    """kill -9 of a store whose writes no longer reach the disk: the ledger is the state of yesterday.

    A worker that lived on knows better. Without one (the mutant) no process does.
    """
    with EmbeddedServer() as server:
        stage = Stage(rig_settings(server.url, sandbox.url, prefix, poll_horizon_s=3.0), sandbox)
        stage.finish(stage.enqueue(named("known", 3, start=5000)))
        campaign = stage.enqueue(named("hello", 10))
        if loses_writes:
            stage.services.store.redis.config_set("appendonly", "no")
        stage.until(lambda: campaign.status().sent == 10)
        server.kill()
        server.restart()
        if mutant:
            stage = Stage(stage.services.settings, sandbox)
        findings = judged(stage, Campaign.of(stage.services, campaign.id))
    assert bool(findings.doubles) is mutant


def test_ordinary_task(sandbox: Sandbox, server: EmbeddedServer, tmp_path: Path) -> None:
    """A Celery task with autoretry, as it is usually written: one lost answer, and every recipient gets it twice."""
    sandbox.fault("reset_after", "sendBulkViber")
    control = Ordinary(tmp_path, server.url, sandbox.url)
    try:
        control.worker()
        control.enqueue(phones(5), 5)
        until = time.monotonic() + 30
        while len(sandbox.ledger()) < 10:
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        control.end()
