"""The configurations of Prometheus and Alertmanager: every alert has a receiver, and none is kept back by a misspelt name."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from campaigns.metrics.described import LABELS
from tests.deploy.files import DEPLOY
from tests.deploy.test_monitoring import rules

_FOLDER = DEPLOY / "monitoring"
_CONFIG: dict[str, Any] = yaml.safe_load((_FOLDER / "alertmanager.yaml").read_text("utf-8"))
_RECEIVERS = {"page": "pager", "ticket": "tickets", "none": "dead-mans-switch"}


def matched(matchers: list[str], labels: dict[str, str]) -> bool:
    """Whether labels fit all matchers, which are of the form `name = "text"` or `name =~ "pattern"`."""
    for matcher in matchers:
        name, sign, text = re.fullmatch(r'(\w+) (=~?) "(.*)"', matcher).groups()  # type: ignore[union-attr]
        found = labels.get(name, "")
        if not (re.fullmatch(text, found) if sign == "=~" else found == text):
            return False
    return True


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_goes_where_its_severity_says(rule: dict[str, Any]) -> None:
    labels = {**rule["labels"], "alertname": rule["alert"]}
    routes = [route for route in _CONFIG["route"]["routes"] if matched(route["matchers"], labels)]
    assert [route["receiver"] for route in routes] == [_RECEIVERS[rule["labels"]["severity"]]]
    assert {receiver["name"] for receiver in _CONFIG["receivers"]} == set(_RECEIVERS.values())


def test_what_a_person_is_woken_for_is_told_again_soon() -> None:
    seconds = {"s": 1, "m": 60, "h": 3600}
    every_s = {
        route["receiver"]: int(route.get("repeat_interval", "24h")[:-1])
        * seconds[route.get("repeat_interval", "24h")[-1]]
        for route in _CONFIG["route"]["routes"]
    }
    assert every_s["dead-mans-switch"] < 60 < every_s["pager"] < every_s["tickets"]


def test_groups_are_of_labels_that_there_are() -> None:
    """Not of those by which machines or exporters differ."""
    assert set(_CONFIG["route"]["group_by"]) <= {"alertname", *LABELS}


@pytest.mark.parametrize("rule", _CONFIG["inhibit_rules"], ids=lambda rule: str(rule["source_matchers"][0]))
def test_what_keeps_others_back(rule: dict[str, Any]) -> None:
    """It names alerts that there are, and never keeps back one that is more urgent than itself."""
    known = {one["alert"]: one["labels"]["severity"] for one in rules()}
    (source,) = (name for name in known if matched(rule["source_matchers"][:1], {"alertname": name}))
    targets = [name for name in known if matched(rule["target_matchers"], {"alertname": name})]
    pattern = re.findall(r'"(.*)"', rule["target_matchers"][0])[0]
    assert len(targets) == len(pattern.split("|"))
    assert known[source] == "page"
    assert source not in targets


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("promtool", ["check", "config", str(_FOLDER / "prometheus.yaml")]),
        ("amtool", ["check-config", str(_FOLDER / "alertmanager.yaml")]),
    ],
)
def test_the_programs_take_them(program: str, command: list[str]) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} (Debian: prometheus, prometheus-alertmanager) is not here")
    ended = subprocess.run([program, *command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
