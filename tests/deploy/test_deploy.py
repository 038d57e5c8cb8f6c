"""The deploy files: the same processes everywhere, every queue served, every file understood by its reader."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from redis.exceptions import RedisError

import celeryconfig
from campaigns.embedded import find_server
from campaigns.flow.liveness import Limits
from campaigns.names import QUEUES, TASK_QUEUES
from tests.conftest import Processes
from tests.support.processes import celery
from workers.app import app
from workers.beat import TICK, Ringer

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines)


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return document


def units() -> dict[str, configparser.ConfigParser]:
    found = {}
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        unit = configparser.ConfigParser(interpolation=None, strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(path, "utf-8")
        found[path.stem.removeprefix("viber-campaigns-")] = unit
    return found


def commands() -> dict[str, dict[str, str]]:
    """The processes as each deploy file starts them."""
    services = compose()["services"]
    return {
        "Procfile": procfile(),
        "compose": {
            name: service["command"]
            for name, service in services.items()
            if name != "store" and "profiles" not in service
        },
        "systemd": {
            name: unit["Service"]["ExecStart"].removeprefix("/opt/viber-campaigns/.venv/bin/").replace("%%", "%")
            for name, unit in units().items()
        },
    }


@pytest.mark.parametrize("where", ["Procfile", "compose", "systemd"])
def test_every_queue_has_a_worker(where: str) -> None:
    served: list[str] = []
    for command in commands()[where].values():
        words = shlex.split(command)
        if "worker" in words:
            served += words[words.index("--queues") + 1].split(",")
    assert sorted(served) == sorted(QUEUES)
    assert sum("beat" in shlex.split(command) for command in commands()[where].values()) == 1


def test_the_same_processes_everywhere() -> None:
    found = commands()
    assert found["Procfile"] == found["compose"] == found["systemd"]


def test_every_task_is_registered_and_routed() -> None:
    app.loader.import_default_modules()
    registered = {name for name in app.tasks if name.startswith("campaigns.")}
    assert registered == set(TASK_QUEUES)
    assert {queue for queues in TASK_QUEUES.values() for queue in queues} == set(QUEUES)
    assert {entry["task"] for entry in celeryconfig.beat_schedule.values()} <= registered


def test_beat_sends_no_message_for_a_tick() -> None:
    """A tick that waited for a worker would stand behind the work that it is to rouse, and expire there."""
    assert set(celeryconfig.beat_schedule) == {TICK}
    assert app.conf.beat_scheduler == f"{Ringer.__module__}:{Ringer.__name__}"


def test_celery_settings_that_safety_rests_on() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.accept_content == ["json"]
    assert app.conf.broker_transport_options["visibility_timeout"] == 300
    assert app.conf.broker_transport_options["socket_timeout"] == 10
    assert app.conf.broker_transport_options["global_keyprefix"]
    assert app.conf.broker_connection_max_retries is None


def test_nobody_is_stopped_in_mid_request() -> None:
    soft_s = celeryconfig.worker_soft_shutdown_timeout
    for name, service in compose()["services"].items():
        if name not in {"store", "sandbox"}:
            assert int(service["stop_grace_period"].removesuffix("s")) > soft_s
    for unit in units().values():
        assert int(unit["Service"]["TimeoutStopSec"]) > soft_s


def test_units_by_systemd_itself(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text("utf-8").replace("/opt/viber-campaigns/.venv/bin/celery", "/bin/true")
        (tmp_path / path.name).write_text(text, "utf-8")
    assert len(list(tmp_path.iterdir())) == 7
    if verify is not None:
        told = subprocess.run(
            [verify, "verify", *map(str, tmp_path.iterdir())], capture_output=True, text=True, check=False
        )
        # It complains about other units of the machine too, and it ends with 0 after most of its complaints.
        assert [line for line in told.stderr.splitlines() if "viber-campaigns" in line] == []


def dockerfile() -> list[list[str]]:
    """Its instructions: name and rest."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_dockerfile() -> None:
    steps = dockerfile()
    assert [name for name, _ in steps].count("FROM") == 2
    assert all(":" in rest.split()[0] for name, rest in steps if name == "FROM")
    last = steps[max(i for i, (name, _) in enumerate(steps) if name == "FROM") :]
    assert ["USER", "campaigns"] in last
    assert not any("pip" in rest for name, rest in last if name == "RUN")
    for name, rest in steps:
        if name == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
    assert any("--require-hashes" in rest for _, rest in steps)
    default = json.loads(next(rest for name, rest in last if name == "CMD"))
    assert sorted(default[default.index("--queues") + 1].split(",")) == sorted(QUEUES)


def test_health_is_progress(processes: Processes) -> None:
    """The image's health check finds whatever runs in the container, also where the store does not answer."""
    rest = next(rest for name, rest in dockerfile() if name == "HEALTHCHECK")
    assert json.loads(rest.split("CMD", 1)[1])[0] == "campaigns"
    check = [sys.executable, "-m", "campaigns.cli", *json.loads(rest.split("CMD", 1)[1])[1:]]

    def outcome() -> int:
        return subprocess.run(check, cwd=ROOT, env=processes.env, capture_output=True, check=False).returncode

    assert outcome() == 1
    processes.env["CAMPAIGNS_REDIS_URL"] = "redis://127.0.0.1:1/0"
    processes.start("worker", celery("worker", "--queues", "bulk", "--loglevel", "INFO")).wait_for("Trying again")
    assert outcome() == 0
    processes.env["CAMPAIGNS_TOKEN_FILE"] = "/nowhere"
    assert outcome() == 2


def test_the_watchdog_allows_what_liveness_does() -> None:
    """A worker that waits for work to be overdue, and a try to reach the broker, are silent for less."""
    limits = Limits()
    for unit in units().values():
        silence_s = int(unit["Service"]["WatchdogSec"])
        assert limits.work_s < silence_s < limits.broker_s
        assert unit["Service"]["Restart"] == "always"


def test_store_starts_with_its_configuration(tmp_path: Path, free_port: int) -> None:
    command = [find_server(), str(DEPLOY / "redis.conf"), "--port", str(free_port), "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with Redis(port=free_port) as redis:
            until = time.monotonic() + 10
            while True:
                try:
                    redis.ping()
                    break
                except RedisError:
                    assert time.monotonic() < until
                time.sleep(0.05)
            told = redis.config_get("*")
            assert told["maxmemory-policy"] == "noeviction"
            assert (told["appendonly"], told["appendfsync"], told["save"]) == ("yes", "always", "")
            assert told["lazyfree-lazy-expire"] == "yes"
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.parametrize("name", ["demo", "install", "lock", "test"])
def test_scripts_are_posix(name: str) -> None:
    path = DEPLOY / name
    assert path.read_text("utf-8").startswith("#!/bin/sh\n")
    assert os.access(path, os.X_OK)
    shell = shutil.which("dash") or "/bin/sh"
    subprocess.run([shell, "-n", str(path)], check=True)


def locked(name: str) -> dict[str, int]:
    """Requirements of a lock, and how many hashes each has."""
    found: dict[str, int] = {}
    current = ""
    for line in (DEPLOY / name).read_text("utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==\S+", line):
            current = match[1].lower()
            found[current] = 0
        elif "--hash=sha256:" in line:
            found[current] += 1
    return found


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_locks(name: str) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    assert "://" not in text
    assert all(hashes > 0 for hashes in locked(name).values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra, requirements in project["optional-dependencies"].items():
        if extra != "dev" or name == "requirements-dev.txt":
            wanted += requirements
    for requirement in wanted:
        assert re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower() in locked(name)  # type: ignore[index]
