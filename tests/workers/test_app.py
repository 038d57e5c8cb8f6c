"""What a worker does when it starts."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import environment
from tests.support.processes import ROOT

_FROZEN = """
import gc, workers
from celery.signals import worker_init
workers.app.loader.init_worker()
assert gc.get_freeze_count() == 0
worker_init.send(sender=None)
print(gc.get_freeze_count())
"""


def test_modules_are_left_out_of_garbage_collection() -> None:
    env = environment("redis://127.0.0.1:1/0", "http://127.0.0.1:1", "x:")
    ended = subprocess.run([sys.executable, "-c", _FROZEN], cwd=ROOT, env=env, check=True, capture_output=True)
    assert int(ended.stdout) > 10_000
