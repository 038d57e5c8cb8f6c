"""`campaigns alive` beside real processes: what stands still is noticed, and no process is blamed for an outage."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from campaigns.cli.command_line import cli
from campaigns.enqueue import enqueue
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.support.jobs import bulk_job, phones
from tests.support.processes import Process
from tests.support.waiting import wait_until


def alive(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Exit code and sentence of the command, which is run in this process: it has no sign of its own."""
    ours = {name: value for name, value in env.items() if name.startswith("CAMPAIGNS_")}
    ended = CliRunner().invoke(cli, ["alive", *arguments], env=ours)
    assert ended.stderr == ""
    return ended.exit_code, ended.stdout.strip()


def services_of(env: dict[str, str]) -> Services:
    return build_services(Settings.from_env({n: v for n, v in env.items() if n.startswith("CAMPAIGNS_")}))


def children(process: Process) -> list[int]:
    """The processes of a worker's pool."""
    tasks = Path(f"/proc/{process.pid}/task")
    return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


def test_a_frozen_worker_does_not_hide_behind_another(processes: Processes) -> None:
    env = processes.env
    code, said = alive(env)
    assert (code, said.partition(" in /")[0]) == (1, "no process has left a sign of life")
    bulk, poll = processes.worker(["bulk"]), processes.worker(["poll", "replies"])
    code, said = alive(env, "--queues", "bulk,replies")
    assert code == 0
    assert f"worker of bulk (process {bulk.pid})" in said
    assert f"worker of poll, replies (process {poll.pid})" in said
    os.kill(bulk.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: alive(env, "--loop-s", "7")[0] == 1)
        code, said = alive(env, "--loop-s", "7", "--queues", "bulk")
        assert (code, f"worker of bulk (process {bulk.pid}) is not alive: its loop has not turned" in said) == (1, True)
        assert alive(env, "--loop-s", "7", "--queues", "poll")[0] == 0
    finally:
        os.kill(bulk.pid, signal.SIGCONT)
    wait_until(lambda: alive(env, "--loop-s", "7")[0] == 0)
    assert alive(env, "--queues", "quick")[0] == 1
    poll.kill9()
    assert alive(env, "--queues", "poll")[0] == 1
    assert bulk.stop() == 0
    assert list(Path(env["CAMPAIGNS_SIGNS_FOLDER"]).iterdir()) == []


def test_beat(processes: Processes) -> None:
    beat = processes.beat()
    wait_until(lambda: alive(processes.env, "beat")[0] == 0)
    os.kill(beat.pid, signal.SIGSTOP)
    wait_until(lambda: alive(processes.env, "beat", "--loop-s", "3")[0] == 1)
    os.kill(beat.pid, signal.SIGCONT)
    wait_until(lambda: alive(processes.env, "beat", "--loop-s", "3")[0] == 0)
    assert beat.stop() == 0
    assert alive(processes.env, "beat")[0] == 1


def test_the_receiver_of_callbacks(processes: Processes, free_port: int) -> None:
    env = processes.env
    env["CAMPAIGNS_CALLBACK_BASE_URL"] = "http://127.0.0.1:1/viber"
    command = [sys.executable, "-m", "campaigns.cli", "callbacks", "--port", str(free_port)]
    receiver = processes.start("callbacks", command)
    wait_until(lambda: alive(env, "callbacks")[0] == 0)
    os.kill(receiver.pid, signal.SIGSTOP)
    wait_until(lambda: alive(env, "callbacks", "--loop-s", "3")[0] == 1)
    os.kill(receiver.pid, signal.SIGCONT)
    wait_until(lambda: alive(env, "callbacks", "--loop-s", "3")[0] == 0)
    assert receiver.stop() == 0
    assert alive(env, "callbacks")[0] == 1


@pytest.mark.long
@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_pools_without_processes(processes: Processes, pool: str) -> None:
    processes.worker(["bulk", "control"], "--pool", pool, "--concurrency", "4")
    services, limits = services_of(processes.env), ("--loop-s", "8", "--work-s", "4")
    processes.beat()
    wait_until(lambda: bool(services.store.ask(Redis.hgetall, services.store.keys.beats())))
    campaign = enqueue(services, bulk_job(phones(3)))
    wait_until(lambda: campaign.status().sent == 3)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        code, said = alive(processes.env, *limits)
        assert code == 0, said
        time.sleep(0.5)


def test_no_process_is_blamed_for_an_outage_of_store_and_broker(sandbox: Sandbox, prefix: str, tmp_path: Path) -> None:
    with EmbeddedServer() as server:
        env = environment(server.url, sandbox.url, prefix) | {"CAMPAIGNS_SIGNS_FOLDER": str(tmp_path / "signs")}
        processes = Processes(tmp_path, env)
        limits = ("--loop-s", "8", "--broker-s", "8", "--work-s", "1")
        try:
            worker = processes.worker()
            processes.beat()
            wait_until(lambda: alive(env, "beat")[0] == 0)
            enqueue(services_of(env), bulk_job(phones(3)))
            server.kill()
            worker.wait_for("Trying again")
            until = time.monotonic() + 10
            while time.monotonic() < until:
                code, said = alive(env, *limits)
                assert code == 0, said
                time.sleep(0.5)
            assert json.loads(alive(env, "worker", "--json")[1])["processes"][0]["connected"] is False
            server.restart()
            wait_until(lambda: json.loads(alive(env, "worker", "--json")[1])["processes"][0]["connected"])
            assert alive(env, *limits[:4])[0] == 0
        finally:
            processes.end()


def test_a_worker_whose_pool_is_stuck_while_work_is_due(processes: Processes, sandbox: Sandbox) -> None:
    worker = processes.worker(["bulk", "control"])
    processes.beat()
    services = services_of(processes.env)
    wait_until(lambda: bool(services.store.ask(Redis.hgetall, services.store.keys.beats())))
    time.sleep(2)  # nothing is due, so no worker needs to do anything
    assert alive(processes.env, "--work-s", "1", "--queues", "bulk")[0] == 0
    pool = children(worker)
    for pid in pool:
        os.kill(pid, signal.SIGSTOP)
    try:
        enqueue(services, bulk_job(phones(3)))
        wait_until(lambda: alive(processes.env, "--work-s", "2")[0] == 1)
        code, said = alive(processes.env, "--work-s", "2")
        assert code == 1
        assert f"(process {worker.pid}) is not alive: work of the queue" in said
        assert "and no task has ended for" in said
        assert alive(processes.env)[0] == 0
    finally:
        for pid in pool:
            os.kill(pid, signal.SIGCONT)
    wait_until(lambda: alive(processes.env, "--work-s", "2")[0] == 0)


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_the_watchdog_hears_each_process(processes: Processes, tmp_path: Path, abstract: bool) -> None:
    name = f"@campaigns-{os.getpid()}-{time.monotonic_ns()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0"))
        systemd.settimeout(20)
        processes.env["NOTIFY_SOCKET"] = name
        processes.beat() if abstract else processes.worker(["bulk"])
        assert systemd.recv(100) == b"WATCHDOG=1"
