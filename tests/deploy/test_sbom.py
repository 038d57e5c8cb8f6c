"""The bill of materials: every package of the runtime lock, with the version and the hashes that are installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata

from campaigns import __version__
from tests.deploy.files import DEPLOY, ROOT

_LOCK = (DEPLOY / "requirements.txt").read_text("utf-8")


def test_it_names_what_is_locked() -> None:
    printed = subprocess.check_output([sys.executable, DEPLOY / "sbom.py"], cwd=ROOT.parent, text=True)
    bill = json.loads(printed)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert bill["metadata"]["component"]["version"] == __version__
    named = {component["name"]: component for component in bill["components"]}
    assert len(named) == len(bill["components"]) == len(re.findall(r"^\S+==", _LOCK, re.MULTILINE))
    hashes = [found["content"] for component in bill["components"] for found in component["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:(\w+)", _LOCK))
    assert all(component["hashes"] for component in bill["components"])
    assert named["redis"]["purl"] == f"pkg:pypi/redis@{named['redis']['version']}"


def test_nothing_that_we_need_is_missing() -> None:
    """All that is installed with the package, however deep."""
    bill = json.loads(subprocess.check_output([sys.executable, DEPLOY / "sbom.py"], text=True))
    named = {re.sub(r"[-_.]+", "-", component["name"]).lower() for component in bill["components"]}
    new = {
        re.split(r"[^A-Za-z0-9._-]", line)[0]
        for line in metadata.requires("viber-campaigns") or []
        if "extra" not in line
    }
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in new} <= named
