"""What the weather of a storm is like: the gateway's faults, its callbacks, and the storm of an ordinary Celery task."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.store.embedded import EmbeddedServer
from tests.conftest import Processes
from tests.rig.harm import Harm
from tests.rig.ordinary import Ordinary
from tests.rig.proxy import Proxy
from tests.support.jobs import phones

#: Each is met by about one request in sixteen; together they spoil nearly half of all.
FAULTS = (
    "refuse_account",
    "too_many",
    "reset_before",
    "reset_after",
    "error_500_before",
    "error_500_after",
    "cut_body",
    "garbage",
)
#: How long a paid request takes that nothing spoils: long enough for kills to fall between sent and recorded.
_LATENCY_S = 0.3
_PAID = ("sendBulkViber", "sendQuickViberMessage", "confirmViberMessage")
#: How long a worker is frozen: longer than a lease.
FREEZE_S = 13.0


def open_port() -> int:
    """A port of this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def receive_callbacks(processes: Processes) -> None:
    """Have the gateway call back, to a receiver in a process of its own."""
    port = open_port()
    processes.env["CAMPAIGNS_CALLBACK_BASE_URL"] = f"http://127.0.0.1:{port}/viber"
    command = [sys.executable, "-m", "campaigns.cli", "callbacks", "--port", str(port)]
    processes.start("callbacks", command).wait_for("callbacks for")


def order_faults(sandbox: Sandbox, random: Random) -> None:
    """Let nearly half of all requests fail, each in one of eight ways."""
    for fault in FAULTS:
        sandbox.fault(fault, times=None, probability=0.0625, seed=random.randrange(1 << 30), retry_after="1")
    for method in _PAID:
        sandbox.fault("slow", method, times=None, delay_s=_LATENCY_S)


def ordinary(seed: int, folder: Path, kills: int) -> tuple[int, int, int]:
    """The same harm to an ordinary Celery task: recipients, messaged more than once, never messaged."""
    random = Random(seed)
    with (
        EmbeddedServer() as server,
        Proxy(urlsplit(server.url).port or 0) as proxy,
        Sandbox(options=Options(speed=200, balance="100000")) as sandbox,
    ):
        control = Ordinary(folder, f"redis://127.0.0.1:{proxy.port}/0", sandbox.url)
        try:
            harm = Harm(random, server, proxy, worker=control.worker, beat=None, freeze_s=FREEZE_S)
            order_faults(sandbox, random)
            wanted = phones(600)
            control.enqueue(wanted, 5)
            harm.rage(kills)
            harm.calm()
            sandbox.clear_faults()
            control.wait_until_quiet(sandbox, harm.supervise)
        finally:
            control.end()
        sent = Counter(row["phone"] for row in sandbox.ledger())
        return len(wanted), sum(number > 1 for number in sent.values()), sum(phone not in sent for phone in wanted)
