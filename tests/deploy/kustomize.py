"""Resolves a kustomization as `kubectl kustomize` does, as far as ours go; what it does not know, it refuses.

The names of what is generated carry no hash here. Where there is a kubectl, a test holds this against it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]

#: The fields that identify an element of a list when a patch is laid over it.
_KEYS = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}


def resolve(folder: Path) -> list[Resource]:
    """All resources of the kustomization in `folder`. Raises KeyError for a field of it that is not known here."""
    document = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    found: list[Resource] = []
    for field in sorted(document.keys() - {"apiVersion", "kind"}, key=list(_FIELDS).index):
        _FIELDS[field](found, document[field], folder)
    return found


def read(path: Path) -> list[Resource]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


def _resources(found: list[Resource], names: list[str], folder: Path) -> None:
    for name in names:
        path = folder / name
        found += resolve(path) if path.is_dir() else read(path)


def _config_maps(found: list[Resource], generators: list[dict[str, Any]], folder: Path) -> None:
    for generator in generators:
        data = _data(generator, folder)
        if generator.get("behavior") == "merge":
            _named(found, "ConfigMap", generator["name"])["data"] |= data
        else:
            found.append(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
            )


def _secrets(found: list[Resource], generators: list[dict[str, Any]], folder: Path) -> None:
    for generator in generators:
        data = {name: base64.b64encode(text.encode()).decode() for name, text in _data(generator, folder).items()}
        metadata = {"name": generator["name"]}
        found.append({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data})


def _data(generator: dict[str, Any], folder: Path) -> dict[str, str]:
    assert generator.keys() <= {"name", "behavior", "literals", "envs", "files"}
    lines = list(generator.get("literals", []))
    for name in generator.get("envs", []):
        lines += [line for line in (folder / name).read_text("utf-8").splitlines() if line and line[0] != "#"]
    files = {name: (folder / name).read_text("utf-8") for name in generator.get("files", [])}
    return dict(line.split("=", 1) for line in lines) | files


def _patches(found: list[Resource], patches: list[dict[str, Any]], folder: Path) -> None:
    for patch in patches:
        target = patch["target"]
        assert target.keys() <= {"kind", "name"}
        (change,) = read(folder / patch["path"])
        wanted = {field: change[field] for field in change if field not in {"apiVersion", "kind", "metadata"}}
        chosen = [
            resource
            for resource in found
            if resource["kind"] == target["kind"]
            and re.fullmatch(target.get("name", ".*"), resource["metadata"]["name"])
        ]
        assert chosen, f"{patch['path']} is laid over nothing"
        for resource in chosen:
            resource.update(_laid_over(resource, wanted))


def _laid_over(old: Any, new: Any, name: str = "") -> Any:
    """A strategic merge: mappings field by field, lists of `_KEYS` element by element, everything else replaced; null
    removes a field."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = old | {field: _laid_over(old.get(field), value, field) for field, value in new.items()}
        return {field: value for field, value in merged.items() if field not in new or new[field] is not None}
    if isinstance(old, list) and isinstance(new, list) and name in _KEYS:
        by = _KEYS[name]
        elements = {element[by]: element for element in old}
        for element in new:
            elements[element[by]] = _laid_over(elements.get(element[by]), element)
        return list(elements.values())
    return new


def _replicas(found: list[Resource], counts: list[dict[str, Any]], _folder: Path) -> None:
    for count in counts:
        _named(found, "Deployment", count["name"])["spec"]["replicas"] = count["count"]


def _images(found: list[Resource], images: list[dict[str, str]], _folder: Path) -> None:
    for image in images:
        for container in (container for resource in found for container in containers(resource)):
            name, _, tag = container["image"].rpartition(":")
            if name == image["name"]:
                container["image"] = f"{image.get('newName', name)}:{image.get('newTag', tag)}"


def _namespace(found: list[Resource], namespace: str, _folder: Path) -> None:
    for resource in found:
        field = "name" if resource["kind"] == "Namespace" else "namespace"
        resource["metadata"][field] = namespace


def _named(found: list[Resource], kind: str, name: str) -> Resource:
    return next(resource for resource in found if (resource["kind"], resource["metadata"]["name"]) == (kind, name))


def containers(resource: Resource) -> list[Resource]:
    """The containers of what runs pods; none of anything else."""
    spec = resource.get("spec", {}).get("template", {}).get("spec", {})
    found: list[Resource] = spec.get("initContainers", []) + spec.get("containers", [])
    return found


def processes(found: list[Resource]) -> dict[str, Resource]:
    """The Deployments that run our processes, by component: the name of a line of the Procfile, or `callbacks`."""
    named = "app.kubernetes.io/component"
    return {r["metadata"]["labels"][named]: r for r in found if named in r["metadata"].get("labels", {})}


def environment(found: list[Resource], container: Resource) -> dict[str, str]:
    """The variables of a container, as the kubelet makes them. Raises KeyError for what does not exist."""
    made = {(r["kind"], r["metadata"]["name"]): r for r in found}
    env: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            env |= made["ConfigMap", source["configMapRef"]["name"]]["data"]
        else:
            data = made["Secret", source["secretRef"]["name"]]["data"]
            env |= {name: base64.b64decode(value).decode() for name, value in data.items()}
    assert "env" not in container
    return env


#: In the order in which kustomize goes through them.
_FIELDS: dict[str, Callable[[list[Resource], Any, Path], None]] = {
    "resources": _resources,
    "configMapGenerator": _config_maps,
    "secretGenerator": _secrets,
    "patches": _patches,
    "namespace": _namespace,
    "replicas": _replicas,
    "images": _images,
}
