"""The manifests: what they resolve to, whether Kubernetes would take it, and what its pods may do."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import celeryconfig
from campaigns import __version__
from campaigns.settings import Settings
from tests.deploy.files import ASIDE, DEPLOY, KUBERNETES, procfile, queues_of
from tests.deploy.kustomize import Resource, containers, environment, processes, resolve
from tests.deploy.network import is_closed, may_talk, selects
from tests.deploy.test_monitoring import unknown_names

OVERLAYS = KUBERNETES / "overlays"
FOLDERS = [KUBERNETES / "base", OVERLAYS / "sandbox", OVERLAYS / "autoscaling", OVERLAYS / "monitoring"]
#: The oldest version that knows every field, and the newest that there is a schema for.
VERSIONS = ["1.27", kubernetes_validate.latest_version()]

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@pytest.fixture(scope="module")
def sandbox_overlay() -> list[Resource]:
    return resolve(FOLDERS[1])


@each_folder
def test_kustomize_resolves_it_so(folder: Path) -> None:
    found = resolve(folder)
    assert len({(resource["kind"], resource["metadata"]["name"]) for resource in found}) == len(found)
    kubectl = shutil.which("kubectl")
    if kubectl is not None:
        text = subprocess.check_output([kubectl, "kustomize", str(folder)], text=True)
        generated = {r["metadata"]["name"] for r in found if r["kind"] in {"ConfigMap", "Secret"}}
        text = re.sub(rf"\b({'|'.join(generated)})-[a-z0-9]{{10}}$", r"\1", text, flags=re.MULTILINE)
        assert _in_order(list(yaml.safe_load_all(text))) == _in_order(found)


def _in_order(value: Any) -> Any:
    """The same with every list of mappings sorted: their order says nothing."""
    if isinstance(value, dict):
        return {name: _in_order(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return (
            sorted(map(_in_order, value), key=lambda each: json.dumps(each, sort_keys=True))
            if _mappings(value)
            else value
        )
    return value


def _mappings(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(sandbox_overlay: list[Resource], version: str) -> None:
    """The overlay holds all that the base does."""
    for resource in sandbox_overlay:
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_misspelt_field_is_found() -> None:
    deployment = next(resource for resource in resolve(FOLDERS[0]) if resource["kind"] == "Deployment")
    containers(deployment)[0]["securityContext"]["readonlyRootFilesystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readonlyRootFilesystem"):
        kubernetes_validate.validate(deployment, VERSIONS[1], strict=True)


@each_folder
def test_every_pod_is_shut_in(folder: Path) -> None:
    for resource in resolve(folder):
        for container in containers(resource):
            pod = resource["spec"]["template"]["spec"]
            assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["securityContext"]["runAsUser"] == (999 if resource["kind"] == "StatefulSet" else 10001)
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


@each_folder
def test_images_are_pinned(folder: Path) -> None:
    images = {container["image"] for resource in resolve(folder) for container in containers(resource)}
    assert images <= {f"viber-campaigns:{__version__}", "valkey/valkey:8-bookworm"}


def test_each_is_asked_for_its_own_progress(sandbox_overlay: list[Resource]) -> None:
    found = processes(sandbox_overlay)
    assert set(found) == {*procfile(), *ASIDE}
    for name, deployment in found.items():
        (container,) = containers(deployment)
        queues = queues_of(" ".join(container["command"]))
        asked = ["campaigns", "alive", *(["--queues", ",".join(queues)] if queues else [name])]
        for probe in ("startupProbe", "livenessProbe"):
            if name == "metrics":  # it answers every client
                assert container[probe]["httpGet"] == {"path": "/metrics", "port": "metrics"}
            else:
                assert container[probe]["exec"]["command"] == asked
            # Python needs more than the second that is the default.
            assert container[probe]["timeoutSeconds"] >= 10
        assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 90
    assert celeryconfig.worker_soft_shutdown_timeout < 90


def test_how_they_are_replaced() -> None:
    found = processes(resolve(FOLDERS[0]))
    assert found["quick"]["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert found["beat"]["spec"]["strategy"] == {"type": "Recreate"}
    counts = {name: deployment["spec"]["replicas"] for name, deployment in found.items()}
    # Without an address for callbacks their receiver would end at once.
    assert counts == {**dict.fromkeys(procfile(), 1), "quick": 2, "callbacks": 0, "metrics": 1}


def test_what_is_scaled_follows_the_metric_of_its_own_queues() -> None:
    """One pod more for each pod's worth of processes that have something to do; never fewer than without it."""
    found, usual = processes(resolve(FOLDERS[2])), processes(resolve(FOLDERS[0]))
    scaled = [resource for resource in resolve(FOLDERS[2]) if resource["kind"] == "ScaledObject"]
    named = {
        resource["spec"]["scaleTargetRef"]["name"].removeprefix("viber-campaigns-"): resource for resource in scaled
    }
    assert set(named) == {"quick", "bulk", "poll"}
    for name, resource in named.items():
        (container,) = containers(found[name])
        (trigger,) = resource["spec"]["triggers"]
        query, command = trigger["metadata"]["query"], " ".join(container["command"])
        assert unknown_names(query) == set()
        assert set(re.findall(r'queue=~?"([^"]+)"', query)[0].split("|")) == set(queues_of(command))
        assert trigger["metadata"]["threshold"] == re.findall(r"--concurrency (\d+)", command)[0]
        assert resource["spec"]["minReplicaCount"] == usual[name]["spec"]["replicas"]
        assert "replicas" not in found[name]["spec"]


@each_folder
def test_what_is_named_exists(folder: Path) -> None:
    found = resolve(folder)
    labels = [r["spec"]["template"]["metadata"]["labels"] for r in found if containers(r)]
    for resource in found:
        if resource["kind"] in {"Deployment", "StatefulSet"}:
            assert selects(resource["spec"]["selector"], resource["spec"]["template"]["metadata"]["labels"])
        if resource["kind"] in {"PodDisruptionBudget", "Service"}:
            selector = resource["spec"]["selector"]
            chosen = selector if resource["kind"] == "PodDisruptionBudget" else {"matchLabels": selector}
            assert sum(selects(chosen, of_a_pod) for of_a_pod in labels) == 1
    budgets = {r["metadata"]["name"] for r in found if r["kind"] == "PodDisruptionBudget"}
    assert budgets == {r["metadata"]["name"] for name, r in processes(found).items() if name not in {"beat", "metrics"}}


def test_settings_are_read_and_only_workers_have_tokens(sandbox_overlay: list[Resource], tmp_path: Path) -> None:
    named = {(r["kind"], r["metadata"]["name"]): r for r in sandbox_overlay}
    tokens = named["Secret", "viber-campaigns-tokens"]["data"]
    for deployment in processes(sandbox_overlay).values():
        (container,) = containers(deployment)
        env = environment(sandbox_overlay, container)
        volumes = [
            volume["secret"] for volume in deployment["spec"]["template"]["spec"]["volumes"] if "secret" in volume
        ]
        if queues_of(" ".join(container["command"])):
            mount = next(mount for mount in container["volumeMounts"] if mount["name"] == "tokens")
            path = Path(env["CAMPAIGNS_TOKEN_FILE"]).relative_to(mount["mountPath"])
            (tmp_path / path).write_bytes(base64.b64decode(tokens[str(path)]))
            env["CAMPAIGNS_TOKEN_FILE"] = str(tmp_path / path)
            assert [volume["secretName"] for volume in volumes] == ["viber-campaigns-tokens"]
            assert Settings.from_env(env).token("default").reveal()
        else:
            assert volumes == []
            assert not Settings.from_env(env).accounts


def test_who_may_talk_to_whom(sandbox_overlay: list[Resource]) -> None:
    pods = {
        labels.get("app.kubernetes.io/component", labels["app.kubernetes.io/name"]): labels
        for labels in (r["spec"]["template"]["metadata"]["labels"] for r in sandbox_overlay if containers(r))
    }
    workers = {name for name, line in procfile().items() if queues_of(line)}
    ports = {"store": 6379, "sandbox": 8025, "callbacks": 8026, "metrics": 9808}
    allowed = {
        (source, target)
        for source in pods
        for target in pods
        for port in ports.values()
        if may_talk(sandbox_overlay, pods[source], pods[target], port)
    }
    to_store = {(name, "store") for name in {*workers, "beat", *ASIDE}}
    assert allowed == to_store | {(name, "sandbox") for name in workers} | {("sandbox", "callbacks")}
    assert all(is_closed(sandbox_overlay, labels) == {"Ingress", "Egress"} for labels in pods.values())


def test_callbacks_come_only_from_the_ingress_and_metrics_go_only_to_prometheus() -> None:
    rules = [
        rule
        for resource in resolve(FOLDERS[0])
        if resource["kind"] == "NetworkPolicy"
        for rule in resource["spec"].get("ingress", [])
    ]
    named = {"ingress-nginx": 8026, "monitoring": 9808}
    assert rules == [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}],
            "ports": [{"protocol": "TCP", "port": port}],
        }
        for name, port in named.items()
    ]


def test_the_readme_s_own_overlay_resolves(tmp_path: Path) -> None:
    text = (DEPLOY / "README.md").read_text("utf-8")
    document = re.search(r"```yaml\n(# kustomization.yaml\n.*?)```", text, re.DOTALL)
    assert document is not None
    (tmp_path / "viber-campaigns").symlink_to(DEPLOY.parent)
    (tmp_path / "kustomization.yaml").write_text(document[1], "utf-8")
    (tmp_path / "store.env").write_text("CAMPAIGNS_REDIS_URL=rediss://:secret@store.example.com:6380/0\n", "utf-8")
    (tmp_path / "token").write_text("of-an-account", "utf-8")
    found = resolve(tmp_path)
    quick = processes(found)["quick"]
    assert quick["metadata"]["namespace"] == "campaigns"
    settings = environment(found, containers(quick)[0])
    assert settings["CAMPAIGNS_REDIS_URL"] == "rediss://:secret@store.example.com:6380/0"
    assert processes(found)["callbacks"]["spec"]["replicas"] == 2
    assert settings["CAMPAIGNS_CALLBACK_BASE_URL"]
