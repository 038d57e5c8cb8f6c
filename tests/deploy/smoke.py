"""Sends a campaign through an installation: every process of the Procfile, the command, the receiver of callbacks.

`python smoke.py PROCFILE` with the Python that the package is installed for, in a folder that holds nothing of the
project. Ends with 0 if the campaign went out and every process was alive to the end.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.store.embedded import EmbeddedServer

JOB = {
    "messages": [
        {
            "alphaname_id": 444,
            "message_type": "bulk",
            "content": {"type": "text", "text": "Hello"},
            "delivery_list": ["+375 29 111-11-11", "80292222222"],
        }
    ]
}


@contextmanager
def process(name: str, command: list[str], env: dict[str, str], folder: Path) -> Iterator[None]:
    """A process that must live as long as the block, and end by SIGTERM."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        running = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield
        if running.poll() is not None:
            raise SystemExit(f"{name} ended by itself:\n{log.read_text('utf-8', 'replace')}")
    finally:
        running.terminate()
        running.wait(60)
        text = log.read_text("utf-8", "replace")
    if "Traceback" in text:
        raise SystemExit(f"{name}:\n{text}")


def command(env: dict[str, str], *arguments: str) -> str:
    """What the command `campaigns` prints. Ends this script if it fails."""
    ended = subprocess.run(["campaigns", *arguments], env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(
            f"campaigns {shlex.join(arguments)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}"
        )
    return ended.stdout


def healthy(env: dict[str, str], timeout_s: float) -> None:
    """Wait until the doctor finds nothing that fails."""
    until = time.monotonic() + timeout_s
    while True:
        examined = subprocess.run(["campaigns", "doctor"], env=env, capture_output=True, text=True, check=False)
        if examined.returncode == 0:
            return
        if time.monotonic() > until:
            raise SystemExit(f"campaigns doctor:\n{examined.stdout}{examined.stderr}")
        time.sleep(0.5)


def main(procfile: Path) -> None:
    scripts = sysconfig.get_path("scripts")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CAMPAIGNS_", "CELERY_", "PYTHON"))
    }
    lines = dict(line.split(": ", 1) for line in procfile.read_text("utf-8").splitlines())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(EmbeddedServer())
        sandbox = stack.enter_context(Sandbox(options=Options(speed=100)))
        env = {
            **kept,
            "PATH": f"{scripts}:{os.environ['PATH']}",
            "CAMPAIGNS_REDIS_URL": server.url,
            "CAMPAIGNS_GATEWAY_URL": sandbox.url,
            "CAMPAIGNS_TOKEN": "smoke-token",
            "CAMPAIGNS_POLL_MIN_S": "0.5",
        }
        called = {**env, "CAMPAIGNS_CALLBACK_BASE_URL": "http://127.0.0.1:1"}
        for name, line in lines.items():
            stack.enter_context(process(name, shlex.split(line), env, folder))
        stack.enter_context(process("callbacks", ["campaigns", "callbacks", "--port", "0"], called, folder))
        healthy(env, 90)
        job = folder / "job.json"
        job.write_text(json.dumps(JOB), "utf-8")
        command(env, "send", str(job), "--wait", "90")
        phones = sorted(row["phone"] for row in sandbox.ledger())
        if phones != ["375291111111", "375292222222"]:
            raise SystemExit(f"the sandbox got {phones}")
        subprocess.run([sys.executable, "-c", f"from campaigns import enqueue; enqueue({JOB!r})"], env=env, check=True)
    sys.stdout.write(f"sent through {', '.join(lines)}; every process was alive to the end\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
