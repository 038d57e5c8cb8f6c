"""Inside other people's programs: their Celery app and their logging stay as they are."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from campaigns.sandbox.server import Sandbox
from tests.conftest import Processes

_BROKERS = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL")
HOST = """
import logging
import os
import threading
from celery import Celery, current_app

host = Celery("host", broker="memory://")
host.conf.task_default_queue = "hosts-own"
from celery.signals import before_task_publish, import_modules
from kombu import pools
handlers = list(logging.getLogger().handlers)
limit = pools.get_limit()
receivers = [len(signal.receivers) for signal in (import_modules, before_task_publish)]

from campaigns import enqueue

job = {"messages": [{"alphaname_id": 1, "message_type": "bulk",
                     "content": {"type": "text", "text": "hi"}, "delivery_list": ["37529100000%d"]}]}

def one(number):
    text = __import__("json").dumps(job).replace("%d", str(number))
    enqueue(__import__("json").loads(text))

one(0)
threads = [threading.Thread(target=one, args=(n,)) for n in range(1, 4)]
[t.start() for t in threads]
[t.join() for t in threads]
child = os.fork()
if child == 0:
    one(4)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
one(5)
assert current_app._get_current_object() is host
assert current_app.conf.task_default_queue == "hosts-own"
assert not any(name.startswith("campaigns.") for name in host.tasks)
assert logging.getLogger().handlers == handlers
assert logging.getLogger("campaigns").handlers == []
assert pools.get_limit() == limit
assert [len(signal.receivers) for signal in (import_modules, before_task_publish)] == receivers
print("untouched")
"""


def test_host_is_untouched(processes: Processes, sandbox: Sandbox, tmp_path: Path) -> None:
    """Also from threads and after a fork, as web servers have them, and beside the host's own celeryconfig."""
    (tmp_path / "celeryconfig.py").write_text("raise RuntimeError('the host configures itself')\n")
    ended = subprocess.run(
        [sys.executable, "-c", HOST],
        # Settings that the host gives its own Celery are not ours.
        env=processes.env | dict.fromkeys(_BROKERS, "amqp://127.0.0.1:1"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout == "untouched\n", ended.stderr
    processes.worker()
    processes.beat()
    until = time.monotonic() + 30
    while len(sandbox.ledger()) < 6:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert sorted(row["phone"] for row in sandbox.ledger()) == [f"37529100000{n}" for n in range(6)]
