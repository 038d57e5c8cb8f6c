"""The limiter under eight processes, measured where it counts: at the gateway."""

from __future__ import annotations

import subprocess
import sys

from campaigns.sandbox.server import Sandbox
from campaigns.store.embedded import EmbeddedServer
from tests.support.processes import ROOT

_SECONDS, _REQUESTS, _CONCURRENCY = 6, 25, 5


def test_eight_processes(server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> None:
    """Never more in any window of a second, never more at once, and yet nearly all that is allowed."""
    sandbox.change(latency_s=0.05)
    where = [server.url, sandbox.url, prefix, str(_REQUESTS), str(_CONCURRENCY)]
    command = [sys.executable, "-m", "tests.support.limited_child", str(_SECONDS), *where]
    children = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(8)]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors.decode()
    figures = sandbox.summary()
    assert figures["max_per_second"]["all"] <= _REQUESTS
    assert figures["max_concurrency"] <= _CONCURRENCY
    paid = figures["requests"]["sendQuickViberMessage"]
    # Half of the rate is kept for what is paid for, and a slot lasts a little longer than a window.
    assert paid >= _SECONDS * _REQUESTS * 0.4
    assert sum(figures["requests"].values()) >= _SECONDS * _REQUESTS * 0.6
