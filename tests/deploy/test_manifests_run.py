"""The overlay that people try first, run here: its command lines with its settings, asked by its probes."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

from click.testing import CliRunner

from campaigns.cli.command_line import cli
from campaigns.sandbox.server import Sandbox
from tests.conftest import Processes
from tests.deploy.files import DEPLOY, KUBERNETES, ROOT
from tests.deploy.kustomize import Resource, containers, environment, resolve
from tests.deploy.kustomize import processes as deployments
from tests.support.holes import free_ports
from tests.support.processes import Process

#: What is elsewhere on this machine than in the cluster.
ELSEWHERE = ("CAMPAIGNS_REDIS_URL", "CAMPAIGNS_GATEWAY_URL")


def test_the_overlay_sends_a_campaign(processes: Processes, sandbox: Sandbox, tmp_path: Path) -> None:
    ports = dict(zip(("8026", "9808"), free_ports(2), strict=True))
    found = resolve(KUBERNETES / "overlays" / "sandbox")
    here = {name: processes.env[name] for name in ELSEWHERE}
    here["CAMPAIGNS_CALLBACK_BASE_URL"] = f"http://127.0.0.1:{ports['8026']}"
    del processes.env["CAMPAIGNS_TOKEN"]
    started: dict[str, Process] = {}
    for name, deployment in deployments(found).items():
        (container,) = containers(deployment)
        env = {**processes.env, **environment(found, container), **here}
        mount_tokens(found, env, tmp_path)
        started[name] = processes.start(name, on_this_machine(container["command"], ports), env)
    for name, deployment in deployments(found).items():
        wait_for_probe(containers(deployment)[0]["startupProbe"], started[name], processes.env | here, ports)

    sent = subprocess.run(
        on_this_machine(["campaigns", "send", "-", "--wait", "60"], ports),
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


def on_this_machine(command: list[str], ports: Mapping[str, int]) -> list[str]:
    """A command line of the image, with ports that are free here."""
    module = {"celery": "celery", "campaigns": "campaigns.cli"}[command[0]]
    return [sys.executable, "-m", module, *(str(ports.get(word, word)) for word in command[1:])]


def wait_for_probe(probe: Resource, process: Process, env: dict[str, str], ports: Mapping[str, int]) -> None:
    """Ask as the kubelet does, but in this process, until the container has started."""
    until = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
    ours = {name: value for name, value in env.items() if name.startswith("CAMPAIGNS_")}
    while not answers(probe, ours, ports):
        assert process.alive(), process.output()
        assert time.monotonic() < until, f"{probe} fails"
        time.sleep(0.1)


def answers(probe: Resource, env: dict[str, str], ports: Mapping[str, int]) -> bool:
    if "exec" in probe:
        return CliRunner().invoke(cli, probe["exec"]["command"][1:], env=env).exit_code == 0
    try:
        with urlopen(f"http://127.0.0.1:{ports['9808']}{probe['httpGet']['path']}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def job_of_the_readme() -> str:
    found = re.search(r"<<'JOB'\n(.*?)\nJOB\n", (DEPLOY / "README.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]
