"""`campaigns callbacks` as a process of its own, called by the sandbox over a real socket."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from campaigns.enqueue import enqueue
from campaigns.flow.tracking.callbacks import callback_url
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes
from tests.support.jobs import bulk_job, phones
from tests.support.waiting import wait_until


def settled(services: Services, campaign_id: str, timeout_s: float = 40.0) -> int:
    until = time.monotonic() + timeout_s
    while (number := services.campaigns.read(campaign_id).recipients["settled"]) == 0:
        assert time.monotonic() < until, "not in time"
        time.sleep(0.1)
    return number


def test_a_lost_answer_is_found_by_its_callback(processes: Processes, sandbox: Sandbox, free_port: int) -> None:
    """The answer is lost and the listing shows nothing: the callback brings the uuid, and it is verified."""
    processes.env["CAMPAIGNS_CALLBACK_BASE_URL"] = f"http://127.0.0.1:{free_port}/viber"
    receiver = processes.start(
        "callbacks", [sys.executable, "-m", "campaigns.cli", "callbacks", "--port", str(free_port)]
    )
    receiver.wait_for("callbacks for")
    services = build_services(Settings.from_env({n: v for n, v in processes.env.items() if n.startswith("CAMPAIGNS_")}))
    processes.worker()
    processes.beat()
    sandbox.change(list_bulk=False)
    sandbox.fault("reset_after", "sendBulkViber")
    campaign = enqueue(services, bulk_job(phones(4)))
    assert settled(services, campaign.id) == 4
    assert len(sandbox.ledger()) == 4
    assert "batch.unknown" in [event.type for event in services.events.since(source=campaign.id)]

    connection = http.client.HTTPConnection("127.0.0.1", free_port, timeout=5)
    connection.request("POST", "/viber/" + "0" * 21 + "-0.1." + "0" * 32, body=b"{}")
    assert connection.getresponse().status == 404
    connection.close()
    batch = services.batches.read(f"{campaign.id}-0")
    address = callback_url(services, batch, None)
    assert address is not None
    # As large as a callback about thousands of recipients.
    connection.request("POST", urlsplit(address).path, body=b"x" * 700_000)
    assert connection.getresponse().status == 204
    connection.close()
    assert f" INFO callback_noted campaign={campaign.id} batch={batch.id} attempt=1 state=" in receiver.output()
    assert receiver.stop() == 0


def test_it_ends_once_every_callback_is_recorded(
    processes: Processes, server: EmbeddedServer, sandbox: Sandbox, free_port: int
) -> None:
    """SIGTERM while callbacks wait for the store, one of them in the middle of its body; none is dropped."""
    processes.env["CAMPAIGNS_CALLBACK_BASE_URL"] = f"http://127.0.0.1:{free_port}/viber"
    command = [sys.executable, "-m", "campaigns.cli", "callbacks", "--port", str(free_port)]
    receiver = processes.start("callbacks", command)
    receiver.wait_for("callbacks for")
    services = build_services(Settings.from_env({n: v for n, v in processes.env.items() if n.startswith("CAMPAIGNS_")}))
    campaigns = [enqueue(services, bulk_job(phones(1, start=number))) for number in range(12)]
    batches = [services.batches.read(f"{campaign.id}-0") for campaign in campaigns]
    paths = [urlsplit(callback_url(services, batch, None) or "").path for batch in batches]
    with ExitStack() as stack:
        os.kill(server.pid, signal.SIGSTOP)
        stack.callback(os.kill, server.pid, signal.SIGCONT)
        clients = []
        for path in paths:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", free_port), timeout=20))
            length = 1000 if path == paths[-1] else 2
            client.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{{}}".encode())
            clients.append(client)
        time.sleep(0.3)
        os.kill(receiver.pid, signal.SIGTERM)
        time.sleep(0.3)
        os.kill(server.pid, signal.SIGCONT)
        assert [client.recv(4096).split()[1] for client in clients] == [b"204"] * 12
    wait_until(lambda: not receiver.alive())
    assert receiver.stop() == 0
    assert all("callback_ms" in services.batches.read(batch.id).fields for batch in batches)


def test_without_a_base_url_it_says_so(processes: Processes) -> None:
    receiver = processes.start("callbacks", [sys.executable, "-m", "campaigns.cli", "callbacks", "--port", "0"])
    until = time.monotonic() + 20
    while receiver.alive() and time.monotonic() < until:
        time.sleep(0.05)
    assert receiver.stop() == 2
    assert "CAMPAIGNS_CALLBACK_BASE_URL: is not set" in receiver.output()


def test_under_gunicorn_as_the_guide_describes(processes: Processes, free_port: int, tmp_path: Path) -> None:
    """Greenlets serve others beside clients that stand still; odd lengths are refused, and the next is served."""
    processes.env["CAMPAIGNS_CALLBACK_BASE_URL"] = f"http://127.0.0.1:{free_port}/viber"
    options = ["--worker-class", "gevent", "--bind", f"127.0.0.1:{free_port}", "campaigns.callbacks:application"]
    # gunicorn makes a folder for its control socket in the home.
    env = processes.env | {"HOME": str(tmp_path)}
    running = processes.start("gunicorn", [sys.executable, "-m", "gunicorn", *options], env)
    running.wait_for("Booting worker")
    services = build_services(Settings.from_env({n: v for n, v in processes.env.items() if n.startswith("CAMPAIGNS_")}))
    campaign = enqueue(services, bulk_job(phones(2)))
    address = callback_url(services, services.batches.read(f"{campaign.id}-0"), None)
    assert address is not None
    path = urlsplit(address).path

    def connected(sent: str) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", free_port), timeout=20)
        client.sendall(sent.encode())
        return client

    def code(length: str, body: str = "") -> int:
        with connected(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}") as client:
            return int(client.recv(4096).split()[1])

    with ExitStack() as slow:
        unknown = path[:-1] + ("0" if path[-1] != "0" else "1")
        for begun in ("", "POST / HT", f"POST {unknown} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{{"):
            for _ in range(10):
                slow.enter_context(connected(begun))
        assert [code(length) for length in ("9" * 5000, "²", "٢", "-1", "+2", "1_0")] == [400] * 6
        assert "callback_ms" not in services.batches.read(f"{campaign.id}-0").fields
        assert code("2", "{}") == 204
        assert "callback_ms" in services.batches.read(f"{campaign.id}-0").fields
    running.stop()
    assert "Traceback" not in running.output()
