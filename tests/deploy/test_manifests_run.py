"""The overlay that people try first, run here: its command lines with its settings, asked by its probes."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import time
from pathlib import Path

from click.testing import CliRunner

from campaigns.cli.commands import cli
from campaigns.sandbox.server import Sandbox
from tests.conftest import Processes
from tests.deploy.files import DEPLOY, KUBERNETES, ROOT
from tests.deploy.kustomize import Resource, containers, environment, resolve
from tests.deploy.kustomize import processes as deployments
from tests.support.processes import Process

#: What is elsewhere on this machine than in the cluster.
ELSEWHERE = ("CAMPAIGNS_REDIS_URL", "CAMPAIGNS_GATEWAY_URL")


def test_the_overlay_sends_a_campaign(processes: Processes, sandbox: Sandbox, tmp_path: Path, free_port: int) -> None:
    found = resolve(KUBERNETES / "overlays" / "sandbox")
    here = {name: processes.env[name] for name in ELSEWHERE}
    here["CAMPAIGNS_CALLBACK_BASE_URL"] = f"http://127.0.0.1:{free_port}"
    del processes.env["CAMPAIGNS_TOKEN"]
    started: dict[str, Process] = {}
    for name, deployment in deployments(found).items():
        (container,) = containers(deployment)
        env = {**processes.env, **environment(found, container), **here}
        mount_tokens(found, env, tmp_path)
        started[name] = processes.start(name, on_this_machine(container["command"], free_port), env)
    for name, deployment in deployments(found).items():
        wait_for_probe(containers(deployment)[0]["startupProbe"], started[name], processes.env | here)

    sent = subprocess.run(
        on_this_machine(["campaigns", "send", "-", "--wait", "60"], free_port),
        input=job_of_the_readme(),
        cwd=ROOT,
        env={**processes.env, **here},
        capture_output=True,
        text=True,
        check=False,
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert [row["phone"] for row in sandbox.ledger()] == ["375291111111"]
    started["callbacks"].wait_for("callback_noted")


def mount_tokens(found: list[Resource], env: dict[str, str], folder: Path) -> None:
    """Let the variables that name files of tokens name them where they are here."""
    secret = next(r for r in found if (r["kind"], r["metadata"]["name"]) == ("Secret", "viber-campaigns-tokens"))
    for variable in [name for name in env if re.fullmatch(r"CAMPAIGNS_TOKEN\w*_FILE", name)]:
        path = folder / Path(env[variable]).name
        path.write_bytes(base64.b64decode(secret["data"][path.name]))
        env[variable] = str(path)


def on_this_machine(command: list[str], port: int) -> list[str]:
    """A command line of the image, with a port that is free here."""
    module = {"celery": "celery", "campaigns": "campaigns.cli"}[command[0]]
    return [sys.executable, "-m", module, *(str(port) if word == "8026" else word for word in command[1:])]


def wait_for_probe(probe: Resource, process: Process, env: dict[str, str]) -> None:
    """Ask as the kubelet does, but in this process, until the container has started."""
    until = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
    command = probe["exec"]["command"]
    ours = {name: value for name, value in env.items() if name.startswith("CAMPAIGNS_")}
    while CliRunner().invoke(cli, command[1:], env=ours).exit_code != 0:
        assert process.alive(), process.output()
        assert time.monotonic() < until, f"{command} fails"
        time.sleep(0.1)


def job_of_the_readme() -> str:
    found = re.search(r"<<'JOB'\n(.*?)\nJOB\n", (DEPLOY / "README.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]
