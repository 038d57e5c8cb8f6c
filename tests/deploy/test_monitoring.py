"""Alerts: each has its runbook section, asks for metrics that there are, and fires for its trouble alone."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from campaigns.metrics.described import LABELS, METRICS
from tests.deploy.files import DEPLOY

_RULES = DEPLOY / "monitoring" / "alerts.yaml"
_TESTS = DEPLOY / "monitoring" / "alerts.test.yaml"
_RUNBOOK = (DEPLOY / "RUNBOOK.md").read_text("utf-8")
_PARTS = ("**Means.**", "**Look.**", "**Do.**", "**Verify.**")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(_RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]


def section(name: str) -> str:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", _RUNBOOK, re.MULTILINE | re.DOTALL)
    assert found, f"the runbook has no section {name}"
    return found[1]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
class TestEachAlert:
    def test_it_leads_to_its_section(self, rule: dict[str, Any]) -> None:
        """What it means, where to look, what to do, and how to see that it is mended."""
        assert rule["annotations"]["runbook_url"] == f"deploy/RUNBOOK.md#{rule['alert'].lower()}"
        parts = _PARTS if rule["labels"]["severity"] != "none" else _PARTS[:1]
        assert [part for part in parts if part not in section(rule["alert"])] == []

    def test_it_asks_for_what_there_is(self, rule: dict[str, Any]) -> None:
        assert unknown_names(rule["expr"]) == set()

    def test_it_is_tried(self, rule: dict[str, Any]) -> None:
        """By a test of its own in which it fires; the watchdog always does."""
        tried = yaml.safe_load(_TESTS.read_text("utf-8"))["tests"]
        fires = {
            case["alertname"] for test in tried for case in test["alert_rule_test"] if case.get("exp_alerts", []) != []
        }
        assert rule["alert"] in fires or rule["expr"] == "vector(1)"


def unknown_names(query: str) -> set[str]:
    """Metrics and labels of a query that the exporter does not have."""
    known = {metric.full_name for metric in METRICS}
    known |= {metric.full_name + end for metric in METRICS if metric.bounds_s for end in ("_bucket", "_sum", "_count")}
    names = set(re.findall(r"campaigns_\w+", query)) - known
    labels = set(re.findall(r"[{,]\s*(\w+)\s*[=!]", query)) - {*LABELS, "le"}
    return names | labels


def test_every_section_is_of_an_alert() -> None:
    assert re.findall(r"^## (\w+)$", _RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in rules()]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not here")
def test_prometheus_takes_the_rules_and_each_fires_for_its_trouble() -> None:
    for command in (["check", "rules", str(_RULES)], ["test", "rules", str(_TESTS)]):
        ended = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


class TestDashboard:
    """The panels of `deploy/monitoring/dashboard.json`."""

    dashboard = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text("utf-8"))

    def test_it_asks_for_what_there_is(self) -> None:
        queries = [target["expr"] for panel in self.dashboard["panels"] for target in panel["targets"]]
        assert len(queries) > len(self.dashboard["panels"]) == 12
        assert {query: unknown_names(query) for query in queries if unknown_names(query)} == {}

    def test_no_panel_lies_on_another(self) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            cells = {
                (place["x"] + x, place["y"] + y) for x, y in itertools.product(range(place["w"]), range(place["h"]))
            }
            assert not cells & taken
            taken |= cells
        assert max(x for x, _ in taken) < 24
