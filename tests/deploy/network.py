"""Who may talk to whom in one namespace, by the NetworkPolicies that stand there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.deploy.kustomize import Resource

Labels = dict[str, str]


def may_talk(found: Sequence[Resource], source: Labels, target: Labels, port: int) -> bool:
    """Whether pods labelled `source` reach those labelled `target` at a TCP port: both sides have to allow it."""
    out = _allows(found, "egress", "to", source, target, port)
    return out and _allows(found, "ingress", "from", target, source, port)


def is_closed(found: Sequence[Resource], labels: Labels) -> set[str]:
    """The directions in which pods may do nothing but what a policy allows."""
    return {direction for policy in _policies(found, labels) for direction in policy["spec"]["policyTypes"]}


def _allows(found: Sequence[Resource], direction: str, side: str, own: Labels, other: Labels, port: int) -> bool:
    rules = [rule for policy in _policies(found, own) for rule in policy["spec"].get(direction, [])]
    return any(_of_port(rule, port) and _of_peer(rule.get(side), other) for rule in rules)


def _policies(found: Iterable[Resource], labels: Labels) -> list[Resource]:
    return [
        policy
        for policy in found
        if policy["kind"] == "NetworkPolicy" and selects(policy["spec"]["podSelector"], labels)
    ]


def _of_port(rule: dict[str, Any], port: int) -> bool:
    return any((entry["protocol"], entry["port"]) == ("TCP", port) for entry in rule["ports"])


def _of_peer(peers: list[dict[str, Any]] | None, labels: Labels) -> bool:
    """Without peers a rule is for all. Peers in other namespaces and outside the cluster are none of these pods."""
    if peers is None:
        return True
    return any(peer.keys() == {"podSelector"} and selects(peer["podSelector"], labels) for peer in peers)


def selects(selector: dict[str, Any], labels: Labels) -> bool:
    """Whether a label selector is for pods labelled so."""
    expressions = selector.get("matchExpressions", [])
    assert all(expression["operator"] == "In" for expression in expressions)
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )
