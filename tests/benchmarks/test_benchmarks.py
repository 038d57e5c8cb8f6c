"""The benchmarks run; how fast they are is for people to see, on a quiet machine."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from tests.support.processes import ROOT


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("part", "measures"),
    [
        ("planning", 5),
        ("memory", 2),
        ("intake", 6),
        ("sending", 1),
        ("usual", 2),
        ("replicas", 3),
        ("watching", 6),
        pytest.param("existing", 2, marks=pytest.mark.long),
        pytest.param("latency", 1, marks=pytest.mark.long),
        pytest.param("singles", 11, marks=pytest.mark.long),
        pytest.param("scaling", 2, marks=pytest.mark.long),
        pytest.param("million", 14, marks=pytest.mark.long),
    ],
)
def test_each_part_runs(part: str, measures: int) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--json", "--only", part]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(found) == measures, ended.stdout
    for measure in found:
        assert math.isfinite(measure["value"])
        assert measure["ratio"] is None or measure["ratio"] > 0


def test_the_profile_names_scripts_and_processes() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.singles.profile", "--messages", "10", "--alone"]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    lines = [line.split() for line in ended.stdout.splitlines()]
    scripts = {path.stem for path in (ROOT / "campaigns" / "store" / "lua").glob("*.lua")}
    calls = [float(line[1]) for line in lines if line and line[0] in scripts]
    assert max(calls) >= 0.99, ended.stdout
    assert "another script" not in ended.stdout
