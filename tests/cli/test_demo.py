"""The demonstration: what it compares, and how it stays and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from campaigns.cli.demo.comparison import agreement
from campaigns.cli.demo.run import Quiet
from campaigns.cli.demo.run import environment as demo_environment
from campaigns.enqueue import enqueue
from campaigns.sandbox import SandboxClient
from campaigns.settings import Settings
from campaigns.wiring import build_services
from tests.cli.output.test_status_table import a_status
from tests.conftest import environment
from tests.support.jobs import bulk_job
from tests.support.processes import ROOT


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((210, 210, 0, 0), "the sandbox sent 210 messages: every one is known here, and none went out twice"),
        ((1, 0, 0, 1), "the sandbox sent 1 message; the results here know of 0; 1 message known on one side alone"),
        (
            (2001, 2000, 1, 1),
            "the sandbox sent 2,001 messages; the results here know of 2,000; 1 message went out twice; "
            "1 message known on one side alone",
        ),
    ],
)
def test_what_the_demo_compared_is_said_in_plain_words(numbers: tuple[int, int, int, int], said: str) -> None:
    assert agreement(*numbers) == said


def test_a_demo_that_stays_follows_messages_for_longer_than_anybody_looks() -> None:
    """What was given up would no longer agree with the page, where a person reads and replies at any time."""
    staying = Settings.from_env(demo_environment("redis://x", "http://x", stay=True))
    day_s = 86_400
    assert min(staying.poll_horizon_s, staying.reply_window_s) > 7 * day_s
    assert max(staying.poll_fraction, staying.single_poll_fraction) <= 0.02
    assert 2 * staying.settle_window_s <= 10, "a doubt that nothing resolves is held before somebody loses patience"


def test_a_demo_that_stays_does_not_wait_for_what_is_silent() -> None:
    time_s = 0.0
    silence = Quiet(lambda: time_s)
    under_way = [a_status(total=5, sent=5, final=2), a_status(total=2, sent=1, final=0)]
    out = [a_status(total=5, sent=5, final=2), a_status(total=2, sent=2, final=0)]
    more = [a_status(total=5, sent=5, final=3), a_status(total=2, sent=2, final=0)]
    found = []
    for statuses in (under_way, under_way, out, more, more):
        time_s += 11.0
        found.append(silence.for_long(statuses))
    assert found == [False, False, True, False, True]


def assert_status_follows_the_page(given: dict[str, str]) -> None:
    """A message that nobody reads by itself, then read on the page."""
    sandbox, services = SandboxClient(given["CAMPAIGNS_GATEWAY_URL"]), build_services(Settings.from_env(given))
    unread = "375290009904"
    campaign = enqueue(services, bulk_job([unread], text="Read me"))

    def both_say(status: str) -> bool:
        shown = [row["status"] for row in sandbox.ledger() if str(row["phone"]) == unread]
        return shown == [status] and campaign.status().statuses == {status: 1}

    for status in ("DELIVERED", "READ"):
        until = time.monotonic() + 30
        while not both_say(status):
            assert time.monotonic() < until, (status, campaign.status().statuses)
            time.sleep(0.1)
        sandbox.read(unread)


@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_demo_stays_for_a_campaign_of_ones_own(end: int, code: int, tmp_path: Path) -> None:
    """What it says to type works as it stands, in another shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    demo = subprocess.Popen(
        [sys.executable, "-m", "campaigns.cli", "demo", "--recipients", "20", "--stay"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment("redis://x", "http://x", "x:") | {"TMPDIR": str(tmp_path)},
    )
    signal.signal(signal.SIGINT, before)
    assert demo.stdout is not None
    said: list[str] = []
    while not said or not said[-1].startswith(".venv/bin/campaigns send"):
        said.append(demo.stdout.readline())
        assert said[-1], "it ended"
    typed = "".join(line for line in said if line.startswith(("export ", "printf ")))
    typed += said[-1].replace(".venv/bin/campaigns", f"{sys.executable} -m campaigns.cli")
    (tmp_path / "own").mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    sent = subprocess.run(
        ["sh", "-c", typed], cwd=tmp_path / "own", env=env, capture_output=True, text=True, check=True
    )
    assert "finished" in sent.stdout
    page = next(line.split(": ")[1].strip() for line in said if line.startswith("what every phone shows"))
    with urllib.request.urlopen(page, timeout=10) as answer:
        assert answer.status == 200
    given = dict(line.strip().removeprefix("export ").split("=", 1) for line in said if line.startswith("export "))
    assert_status_follows_the_page(given)
    demo.send_signal(end)
    demo.communicate(timeout=60)
    assert demo.returncode == code
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page, timeout=10)


def test_demo_ends_on_ctrl_c(tmp_path: Path) -> None:
    """Everything that it started is gone, and it says one clear line."""
    # A shell that runs the tests in the background has them ignore Ctrl-C, and so whatever they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    demo = subprocess.Popen(
        [sys.executable, "-m", "campaigns.cli", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment("redis://x", "http://x", "x:") | {"TMPDIR": str(tmp_path)},
    )
    signal.signal(signal.SIGINT, before)
    assert demo.stdout is not None
    for line in demo.stdout:
        if "worker and beat are up" in line:
            break
    time.sleep(1)
    demo.send_signal(signal.SIGINT)
    _, complaint = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert complaint.strip().splitlines()[-1] == "campaigns: interrupted"
    assert "Traceback" not in complaint
    assert list(tmp_path.iterdir()) == []
