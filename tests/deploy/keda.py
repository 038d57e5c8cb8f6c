"""What KEDA takes as a ScaledObject with a trigger of type `prometheus`: fields, types, and what must fit together.

Written after the reference of KEDA 2.14 (https://keda.sh/docs/2.14/reference/scaledobject-spec/ and
https://keda.sh/docs/2.14/scalers/prometheus/). Later versions take more; fields that those add are refused here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import jsonschema
import kubernetes_validate

from tests.deploy.kustomize import Resource

_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string", "minLength": 1}
#: Metadata of triggers are texts, numbers and truth values included.
_NUMBER: Final = {"type": "string", "pattern": r"^\d+(\.\d+)?$"}
_TRUTH: Final = {"enum": ["true", "false"]}


def _fields(required: tuple[str, ...], **fields: Any) -> dict[str, Any]:
    """A mapping with these fields and no others."""
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": fields}


_TRIGGER: Final = _fields(
    ("type", "metadata"),
    type={"const": "prometheus"},
    metadata=_fields(
        ("serverAddress", "query", "threshold"),
        serverAddress={"type": "string", "pattern": "^https?://"},
        query=_TEXT,
        threshold=_NUMBER,
        activationThreshold=_NUMBER,
        namespace=_TEXT,
        customHeaders=_TEXT,
        ignoreNullValues=_TRUTH,
        queryParameters=_TEXT,
        unsafeSsl=_TRUTH,
        authModes=_TEXT,
    ),
    name=_TEXT,
    useCachedMetrics={"type": "boolean"},
    authenticationRef=_fields(
        ("name",), name=_TEXT, kind={"enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"]}
    ),
    metricType={"enum": ["AverageValue", "Value", "Utilization"]},
)
_SPEC: Final = _fields(
    ("scaleTargetRef", "triggers"),
    scaleTargetRef=_fields(("name",), apiVersion=_TEXT, kind=_TEXT, name=_TEXT, envSourceContainerName=_TEXT),
    pollingInterval=_COUNT,
    cooldownPeriod=_COUNT,
    initialCooldownPeriod=_COUNT,
    idleReplicaCount={"const": 0},
    minReplicaCount=_COUNT,
    maxReplicaCount=_COUNT,
    fallback=_fields(("failureThreshold", "replicas"), failureThreshold=_COUNT, replicas=_COUNT),
    advanced=_fields(
        (),
        restoreToOriginalReplicaCount={"type": "boolean"},
        horizontalPodAutoscalerConfig=_fields((), name=_TEXT, behavior={"type": "object"}),
    ),
    triggers={"type": "array", "minItems": 1, "items": _TRIGGER},
)
_SCALED_OBJECT: Final = _fields(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata={"type": "object", "required": ["name"]},
    spec=_SPEC,
)


def problems(resource: Resource, version: str) -> list[str]:
    """What KEDA, or Kubernetes of `version`, would refuse of a ScaledObject; empty if nothing."""
    checker = jsonschema.Draft7Validator(_SCALED_OBJECT)
    wrong = [f"{error.json_path}: {error.message}" for error in checker.iter_errors(resource)]
    return wrong or [*_misfits(resource["spec"]), *_of_behavior(resource, version)]


def _misfits(spec: dict[str, Any]) -> Iterator[str]:
    """Fields that are right by themselves, and do not fit each other."""
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    if least > most:
        yield "minReplicaCount is above maxReplicaCount"
    if "idleReplicaCount" in spec and not least:
        yield "idleReplicaCount is not below minReplicaCount"
    if "cooldownPeriod" in spec and least and "idleReplicaCount" not in spec:
        yield "cooldownPeriod has no effect, because it is about scaling to 0"
    if "fallback" in spec and not least <= spec["fallback"]["replicas"] <= most:
        yield "fallback.replicas lies outside of what the others allow"
    if "fallback" in spec and all(t.get("metricType", "AverageValue") != "AverageValue" for t in spec["triggers"]):
        yield "fallback needs a trigger whose metricType is AverageValue"


def _of_behavior(resource: Resource, version: str) -> Iterator[str]:
    """KEDA hands the behavior on to a HorizontalPodAutoscaler, whose schema Kubernetes has."""
    config = resource["spec"].get("advanced", {}).get("horizontalPodAutoscalerConfig", {})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": resource["spec"]["scaleTargetRef"]["name"]}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "any"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 10, "behavior": config.get("behavior", {})},
    }
    try:
        kubernetes_validate.validate(scaler, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield str(error.message)
