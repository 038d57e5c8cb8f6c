"""Beat ends when it is asked to, wherever the signal meets it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from campaigns.health.signs import BEAT
from campaigns.sandbox.server import Sandbox
from campaigns.store.embedded import EmbeddedServer
from tests.conftest import Processes, environment


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_meets_a_finalizer(
    server: EmbeddedServer, sandbox: Sandbox, prefix: str, tmp_path: Path, number: int
) -> None:
    """Python drops an exception that is raised while it runs a finalizer, so that Celery's handler alone does nothing."""
    signs = tmp_path / "signs"
    env = environment(server.url, sandbox.url, prefix) | {"CAMPAIGNS_SIGNS_FOLDER": str(signs)}
    processes = Processes(tmp_path, env, app="tests.support.finalizing_app")
    try:
        beat = processes.beat()
        beat.wait_for("idle in a finalizer")
        assert any(BEAT in path.name for path in signs.iterdir())
        os.kill(beat.pid, number)
        beat.wait_for("Exception ignored in")
        assert beat.wait_for_end(20) == 0
        assert not list(signs.iterdir())
    finally:
        processes.end()
