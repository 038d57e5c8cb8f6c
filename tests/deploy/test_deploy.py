"""The deploy files: the same processes everywhere, every queue served, every file understood by its reader."""

from __future__ import annotations

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

import pytest
from redis import Redis
from redis.exceptions import RedisError

import celeryconfig
from campaigns.names import DUE_QUEUES, QUEUES, TASK_QUEUES
from campaigns.store.embedded import find_server
from tests.conftest import Processes
from tests.deploy.files import DEPLOY, KUBERNETES, ROOT, commands, procfile, queues_of
from tests.deploy.kustomize import containers, resolve
from tests.support.processes import celery
from workers.app import app
from workers.beat import TICK, Ringer

WHERE = ["Procfile", "compose", "systemd", "kubernetes"]


@pytest.mark.parametrize("where", WHERE)
def test_every_queue_has_a_worker(where: str) -> None:
    found = commands()[where].values()
    assert sorted(queue for command in found for queue in queues_of(command)) == sorted(QUEUES)
    assert sum("beat" in shlex.split(command) for command in found) == 1


def test_every_queue_that_is_named_is_one_of_them() -> None:
    assert [queue.name for queue in app.conf.task_queues] == list(QUEUES)
    assert set(DUE_QUEUES) < set(QUEUES)
    assert {route["queue"] for route in app.conf.task_routes.values()} | {app.conf.task_default_queue} <= set(QUEUES)
    rows = re.findall(r"^\| `(\w+)` \|([\w, ]*)\|", (DEPLOY / "README.md").read_text("utf-8"), re.MULTILINE)
    documented = {name: re.findall(r"\w+", queues) for name, queues in rows}
    assert documented == {name: queues_of(line) for name, line in procfile().items()}


@pytest.mark.parametrize("where", WHERE)
def test_the_same_processes_everywhere(where: str) -> None:
    assert commands()[where] == procfile()


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


def dockerfile() -> list[list[str]]:
    """Its instructions: names and arguments."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_dockerfile() -> None:
    steps = dockerfile()
    assert [name for name, _ in steps].count("FROM") == 2
    assert all(":" in arguments.split()[0] for name, arguments in steps if name == "FROM")
    last = steps[max(i for i, (name, _) in enumerate(steps) if name == "FROM") :]
    assert ["USER", "campaigns"] in last
    assert not any("pip" in arguments for name, arguments in last if name == "RUN")
    for name, arguments in steps:
        if name == "COPY" and "--from" not in arguments:
            for source in arguments.split()[:-1]:
                assert (ROOT / source).exists(), source
    assert any("--require-hashes" in arguments for _, arguments in steps)
    default = json.loads(next(arguments for name, arguments in last if name == "CMD"))
    assert sorted(default[default.index("--queues") + 1].split(",")) == sorted(QUEUES)


def test_health_is_progress(processes: Processes) -> None:
    """The image's health check finds whatever runs in the container, also where the store does not answer."""
    arguments = next(arguments for name, arguments in dockerfile() if name == "HEALTHCHECK")
    assert json.loads(arguments.split("CMD", 1)[1])[0] == "campaigns"
    check = [sys.executable, "-m", "campaigns.cli", *json.loads(arguments.split("CMD", 1)[1])[1:]]

    def outcome() -> int:
        return subprocess.run(check, cwd=ROOT, env=processes.env, capture_output=True, check=False).returncode

    assert outcome() == 1
    processes.env["CAMPAIGNS_REDIS_URL"] = "redis://127.0.0.1:1/0"
    processes.start("worker", celery("worker", "--queues", "bulk", "--loglevel", "INFO")).wait_for("Trying again")
    assert outcome() == 0
    processes.env["CAMPAIGNS_TOKEN_FILE"] = "/nowhere"
    assert outcome() == 2


def store_arguments(where: str) -> list[str]:
    """What a deploy file starts the store's server with."""
    if where == "compose":
        return [str(DEPLOY / "redis.conf")]
    store = next(each for each in resolve(KUBERNETES / "overlays" / "sandbox") if each["kind"] == "StatefulSet")
    arguments: list[str] = containers(store)[0]["command"][1:]
    return arguments


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_store_starts_with_its_configuration(where: str, tmp_path: Path, free_port: int) -> None:
    command = [find_server(), *store_arguments(where), "--port", str(free_port), "--dir", str(tmp_path)]
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
            config = redis.config_get("*")
            assert config["maxmemory-policy"] == "noeviction"
            assert (config["appendonly"], config["appendfsync"], config["save"]) == ("yes", "always", "")
            assert config["lazyfree-lazy-expire"] == "yes"
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


def test_install_names_the_next_step(tmp_path: Path) -> None:
    """With nothing to install. The scripts that call it go on themselves, so that it says nothing to them."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("deploy/install", "deploy/requirements-dev.txt", "pyproject.toml"):
        shutil.copy(DEPLOY.parent / name, tmp_path / name)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    stamp = 'printf %s "$(cksum <deploy/requirements-dev.txt) $(cksum <pyproject.toml) $PWD" >.venv/.installed'
    subprocess.run(["sh", "-c", stamp], cwd=tmp_path.resolve(), check=True)
    said = [
        subprocess.run([tmp_path / "deploy/install", *more], check=True, capture_output=True, text=True).stdout
        for more in ([], ["--quiet"])
    ]
    assert said == ["ready: .venv/bin/campaigns; next: ./deploy/demo, which shows a campaign from end to end\n", ""]
    for name in ("demo", "test"):
        assert '"$root/deploy/install" --quiet\n' in (DEPLOY / name).read_text("utf-8")


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
