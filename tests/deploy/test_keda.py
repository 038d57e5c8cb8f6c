"""The overlay `autoscaling`: what KEDA demands of its objects, and that a mistake would be found."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.files import KUBERNETES
from tests.deploy.keda import problems
from tests.deploy.kustomize import Resource, resolve

_VERSION = kubernetes_validate.latest_version()
_OBJECTS = [r for r in resolve(KUBERNETES / "overlays" / "autoscaling") if r["kind"] == "ScaledObject"]


@pytest.mark.parametrize("resource", _OBJECTS, ids=lambda resource: str(resource["metadata"]["name"]))
def test_keda_takes_it(resource: Resource) -> None:
    assert problems(resource, _VERSION) == []


def test_a_lost_exporter_is_no_zero() -> None:
    """By default KEDA reads the empty answer of a Prometheus that lost its target as 0, and scales down."""
    assert len(_OBJECTS) == 3
    for resource in _OBJECTS:
        (trigger,) = resource["spec"]["triggers"]
        assert trigger["metadata"]["ignoreNullValues"] == "false"
        # One number, as KEDA demands: an aggregation over everything.
        assert trigger["metadata"]["query"].startswith("max(")
        assert resource["spec"]["fallback"]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("spec.minReplicas", 1, "'minReplicas' was unexpected"),
        ("spec.minReplicaCount", "1", "is not of type 'integer'"),
        ("spec.minReplicaCount", 11, "minReplicaCount is above maxReplicaCount"),
        ("spec.maxReplicaCount", 1, "fallback.replicas lies outside"),
        ("spec.cooldownPeriod", 300, "cooldownPeriod has no effect"),
        ("spec.fallback.replicas", None, "'replicas' is a required property"),
        ("spec.scaleTargetRef.name", None, "'name' is a required property"),
        ("spec.triggers.0.type", "prometeus", "'prometheus' was expected"),
        ("spec.triggers.0.metricType", "Value", "fallback needs a trigger whose metricType is AverageValue"),
        ("spec.triggers.0.metadata.threshold", 4, "is not of type 'string'"),
        ("spec.triggers.0.metadata.threshold", "four", "does not match"),
        ("spec.triggers.0.metadata.ignoreNullValues", "no", "is not one of"),
        ("spec.triggers.0.metadata.serverAddres", "http://x", "'serverAddres' was unexpected"),
        ("spec.triggers.0.metadata.query", None, "'query' is a required property"),
        ("spec.advanced.behavior", {}, "'behavior' was unexpected"),
        ("spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilisationWindowSeconds", 1, "unexpected"),
        ("apiVersion", "keda.k8s.io/v1alpha1", "'keda.sh/v1alpha1' was expected"),
    ],
)
def test_a_mistake_is_found(path: str, value: Any, words: str) -> None:
    """None as value leaves the field out."""
    resource = next(deepcopy(r) for r in _OBJECTS if r["metadata"]["name"].endswith("bulk"))
    *way, last = path.split(".")
    place: Any = resource
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    assert words in " ".join(problems(resource, _VERSION))
