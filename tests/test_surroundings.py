"""The suite depends on nothing in the environment of the process that starts it."""

from __future__ import annotations

import os
import subprocess
import sys

from campaigns.sandbox.server import Sandbox
from tests.support.processes import ROOT
from tests.support.surroundings import put_in_order

STRANGE = {
    "CAMPAIGNS_POLL_MIN_S": "x",
    "CAMPAIGNS_TOKEN_SHOP": "t",
    "CELERY_BROKER_URL": "amqp://nowhere",
    "CELERY_CONFIG_MODULE": "nowhere",
    "COLUMNS": "20",
    "FORCE_COLOR": "1",
    "LC_ALL": "C",
    "NO_COLOR": "1",
    "TZ": "Asia/Tokyo",
    "http_proxy": "http://127.0.0.1:9",
}


def test_what_tests_could_depend_on_is_removed() -> None:
    surroundings = {**STRANGE, "PATH": "/bin", "HOME": "/"}
    put_in_order(surroundings)
    assert surroundings == {"PATH": "/bin", "HOME": "/", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def test_a_suite_in_strange_surroundings() -> None:
    """One that prints, one that reads settings and one that knows the zone."""
    tests = ["tests/cli/output/test_status_table.py", "tests/test_settings.py", "tests/times/test_gateway_times.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-x", *tests]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | STRANGE, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_a_sandbox_is_reached_past_a_proxy(sandbox: Sandbox) -> None:
    code = "import sys; from campaigns.sandbox import SandboxClient; SandboxClient(sys.argv[1]).summary()"
    subprocess.run(
        [sys.executable, "-c", code, sandbox.url], cwd=ROOT, env=os.environ | STRANGE, check=True, timeout=30
    )
