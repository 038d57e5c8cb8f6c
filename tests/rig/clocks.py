"""Clocks that are set while the Procfile's processes work: how much later everything is finished.

`python -m tests.rig.clocks [--only SCENE]`. Real processes, a real server under libfaketime, the sandbox as gateway. A
campaign of 40 requests, with two that reset after they arrived; half a second after the first, the clock is set.
Prints the seconds until all is finished, and ends with 1 if a scene took a minute more than `still`, or a person was
messaged twice or never.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from campaigns.enqueue import enqueue
from campaigns.ledger.states import OVER
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from tests.benchmarks.procfile import environment, running, services_of
from tests.rig.traffic import procfile, seconds_until
from tests.support.clocks import ServerWithClock, WrongClock
from tests.support.jobs import bulk_job, phones

_HOUR_S, _DAY_S = 3600, 86_400
#: By how much the store's clock is wrong, one second each; and a worker's clock.
SCENES: dict[str, tuple[tuple[float, ...], float]] = {
    "still": ((), 0),
    "store an hour forward": ((_HOUR_S,), 0),
    "store an hour back": ((-_HOUR_S,), 0),
    "store a day forward": ((_DAY_S,), 0),
    "store a day back": ((-_DAY_S,), 0),
    "store to and fro": ((_HOUR_S, -_HOUR_S, 0), 0),
    "workers an hour ahead": ((), _HOUR_S),
    "workers an hour behind": ((), -_HOUR_S),
}
_LIMIT_S = 300.0
_MORE_S = 60.0


def scene(steps_s: tuple[float, ...], workers_s: float) -> tuple[float, int]:
    """Seconds until the campaign is over, and how many were not messaged exactly once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(ServerWithClock(folder))
        sandbox = stack.enter_context(Sandbox(options=Options(speed=200, balance="1000000")))
        env = environment(server.url, sandbox.url, "clocks:", recipients_per_request="5", poll_min_s="1")
        wrong = WrongClock(folder / "workers-clock", workers_s).variables() if workers_s else {}
        stack.enter_context(running(procfile(), {**env, **wrong}, folder))
        sandbox.fault("reset_after", "sendBulkViber", times=2)
        campaign = enqueue(services_of(env), bulk_job(phones(200)))
        began = time.monotonic()
        seconds_until(sandbox.ledger, 60)
        time.sleep(0.5)
        for by_s in steps_s:
            server.clock.set(by_s)
            time.sleep(1)
        seconds_until(lambda: campaign.status().state in OVER, _LIMIT_S)
        took_s = time.monotonic() - began if campaign.status().state in OVER else float("inf")
        got = Counter(row["phone"] for row in sandbox.ledger())
        return took_s, sum(got[phone] != 1 for phone in phones(200))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[name for name in SCENES if name != "still"])
    only = parser.parse_args().only
    still_s, failed = 0.0, False
    for name, (steps_s, workers_s) in SCENES.items():
        if only not in {None, name} and name != "still":
            continue
        took_s, wrong = scene(steps_s, workers_s)
        still_s = still_s or took_s
        failed = failed or wrong > 0 or took_s > still_s + _MORE_S
        print(f"{name}: finished after {took_s:.1f} s, {wrong} not messaged exactly once", flush=True)  # noqa: T201
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
