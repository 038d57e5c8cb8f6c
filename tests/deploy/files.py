"""The deploy files, read: the same processes in the shapes that four supervisors want them in."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.kustomize import containers, processes, resolve

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
KUBERNETES = DEPLOY / "kubernetes"

#: Processes that no line of the Procfile starts: they run where an operator wants them.
ASIDE = frozenset({"callbacks", "metrics"})
#: A unit of systemd: section, directive, and what it is set to each time. An empty value drops the ones before it.
Unit = dict[str, dict[str, list[str]]]


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines)


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return document


def compose_processes() -> dict[str, dict[str, Any]]:
    """The services that run our code and are no sandbox."""
    return {name: service for name, service in compose()["services"].items() if name not in {"store", "sandbox"}}


def units() -> dict[str, Unit]:
    """The services of systemd, each with what all of them have in common."""
    found = {}
    for path in sorted(SYSTEMD.glob("*.service")):
        unit: Unit = {}
        read_unit(path, unit)
        read_unit(SYSTEMD / "viber-campaigns-.service.d" / "common.conf", unit)
        found[path.stem.removeprefix("viber-campaigns-")] = unit
    return found


def read_unit(path: Path, into: Unit) -> None:
    section: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = into.setdefault(line.strip("[]"), {})
        elif line.strip() and not line.startswith("#"):
            name, _, value = line.partition("=")
            section.setdefault(name, []).append(value)


def commands() -> dict[str, dict[str, str]]:
    """By deploy file: the command lines of the Procfile's processes, as it starts them."""
    return {
        "Procfile": procfile(),
        "compose": {name: service["command"] for name, service in compose_processes().items() if name not in ASIDE},
        "systemd": {
            name: unit["Service"]["ExecStart"][0].removeprefix("/opt/viber-campaigns/.venv/bin/").replace("%%", "%")
            for name, unit in units().items()
            if name not in ASIDE
        },
        "kubernetes": {
            name: " ".join(containers(deployment)[0]["command"])
            for name, deployment in processes(resolve(KUBERNETES / "base")).items()
            if name not in ASIDE
        },
    }


def queues_of(command: str) -> list[str]:
    """The queues of a worker's command line; none for what is no worker."""
    words = shlex.split(command)
    return words[words.index("--queues") + 1].split(",") if "worker" in words else []
