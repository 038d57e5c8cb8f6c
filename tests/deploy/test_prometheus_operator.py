"""The overlay `monitoring`, and the written steps that hand rules and dashboard to the Prometheus Operator and Grafana."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.files import DEPLOY, KUBERNETES
from tests.deploy.kustomize import containers, processes, resolve
from tests.deploy.network import selects

_MONITORING = DEPLOY / "monitoring"
_INTERVAL_S = 15


def test_the_monitor_selects_the_exporter_and_no_other_pod() -> None:
    found = resolve(KUBERNETES / "overlays" / "monitoring")
    (monitor,) = (resource for resource in found if resource["kind"] == "PodMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"].keys() == {"selector", "podMetricsEndpoints"}
    chosen = [
        name
        for name, resource in processes(found).items()
        if selects(monitor["spec"]["selector"], resource["spec"]["template"]["metadata"]["labels"])
    ]
    assert chosen == ["metrics"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (exporter,) = containers(processes(found)["metrics"])
    assert endpoint["port"] in {port["name"] for port in exporter["ports"]}
    # As in the configuration of a Prometheus without an operator.
    scraping: dict[str, Any] = yaml.safe_load((_MONITORING / "prometheus.yaml").read_text("utf-8"))
    assert endpoint["interval"] == scraping["global"]["scrape_interval"] == f"{_INTERVAL_S}s"
    assert 0 < int(endpoint["scrapeTimeout"].removesuffix("s")) < _INTERVAL_S


def test_the_written_steps(tmp_path: Path) -> None:
    """What they give to kubectl are the rules themselves, as an object of the operator's kind."""
    text = (DEPLOY / "README.md").read_text("utf-8")
    document = re.search(r"### Monitoring\n.*?```sh\n(.*?)```", text, re.DOTALL)
    assert document is not None
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$1" != apply ] || cat > {tmp_path}/applied\n')
    kubectl.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-e", "-c", document[1]], check=True, cwd=DEPLOY.parent, env=env)
    applied: dict[str, Any] = yaml.safe_load((tmp_path / "applied").read_text("utf-8"))
    assert (applied["apiVersion"], applied["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert applied["spec"] == yaml.safe_load((_MONITORING / "alerts.yaml").read_text("utf-8"))
    assert [call.split()[0] for call in (tmp_path / "calls").read_text("utf-8").splitlines()] == [
        "apply",
        "create",
        "label",
    ]
    assert "--from-file=deploy/monitoring/dashboard.json" in (tmp_path / "calls").read_text("utf-8")
