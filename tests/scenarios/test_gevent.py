"""Greenlets: workers with `--pool gevent`, and hosts whose server patches them, over TLS as in production."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.sandbox.server import Sandbox
from tests.conftest import Processes
from tests.support.tls import CERTIFICATE, TlsFront

JOB = {
    "messages": [
        {
            "alphaname_id": 1,
            "message_type": "bulk",
            "content": {"type": "text", "text": "hi"},
            "delivery_list": ["375291000001"],
        }
    ]
}
#: A host with a Celery of its own, whose variables point at a broker that is not there.
HOST = f"""
import json
from celery import Celery, current_app
host = Celery("host", broker="memory://")
from campaigns import enqueue

def application(environ, start_response):
    before = current_app._get_current_object()
    campaign = enqueue({JOB!r}, key=environ["QUERY_STRING"])
    assert current_app._get_current_object() is before
    assert not any(name.startswith("campaigns.") for name in host.tasks)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [campaign.id.encode()]
"""


#: What another Celery project on the same machine may have in its environment.
OTHERS = {
    "CELERY_BROKER_URL": "amqp://127.0.0.1:1",
    "CELERY_BROKER_READ_URL": "amqp://127.0.0.1:1",
    "CELERY_BROKER_WRITE_URL": "amqp://127.0.0.1:1",
    "CELERY_RESULT_BACKEND": "db+nothing://",
    "DJANGO_SETTINGS_MODULE": "nowhere.settings",
}


@pytest.fixture
def https(processes: Processes, sandbox: Sandbox) -> Iterator[Processes]:
    """Processes whose gateway is reached over TLS, with a certificate of an authority of its own."""
    with TlsFront(sandbox.url) as front:
        processes.env |= {
            "CAMPAIGNS_GATEWAY_URL": f"https://localhost:{front.port}",
            "CAMPAIGNS_GATEWAY_CA_FILE": str(CERTIFICATE),
        }
        yield processes


def test_a_worker_of_greenlets_in_the_projects_folder_sends_over_tls(https: Processes, sandbox: Sandbox) -> None:
    """Nor does it obey what is meant for another Celery project."""
    https.env |= OTHERS
    https.worker(("bulk", "control"), "--pool", "gevent", "--concurrency", "8")
    https.beat()
    enqueued = f"from campaigns import enqueue; enqueue({JOB!r})"
    subprocess.run([sys.executable, "-c", enqueued], env=https.env, check=True, timeout=30)
    until = time.monotonic() + 40
    while not sandbox.ledger():
        assert time.monotonic() < until, https.report()
        time.sleep(0.1)
    assert [row["phone"] for row in sandbox.ledger()] == ["375291000001"]


def test_a_host_under_gunicorn_enqueues_beside_its_own_celery(
    processes: Processes, tmp_path: Path, free_port: int
) -> None:
    (tmp_path / "host.py").write_text(HOST, "utf-8")
    (tmp_path / "hosts.py").write_text("broker_url = 'amqp://127.0.0.1:1'\ntask_always_eager = True\n", "utf-8")
    env = processes.env | OTHERS | {"CELERY_CONFIG_MODULE": "hosts", "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    env.pop("DJANGO_SETTINGS_MODULE")
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--worker-class",
        "gevent",
        "--workers",
        "2",
        "--bind",
        f"127.0.0.1:{free_port}",
        "host:application",
    ]
    running = processes.start("gunicorn", command, env)
    running.wait_for("Booting worker")
    asked = subprocess.run(
        [sys.executable, "-c", f"import urllib.request as r; print([r.urlopen('http://127.0.0.1:{free_port}/?' + k, timeout=20).read().decode() for k in 'abab'])"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    first, second, third, fourth = json.loads(asked.stdout.replace("'", '"') or "[0,0,0,0]")
    assert (first, second) == (third, fourth)
    assert first != second, asked.stderr + running.output()
    assert "wake_up_not_sent" not in running.output()
