"""Twelve troubles, planted one after the other: each raises its own alert in a real Prometheus, and no other.

`python -m tests.rig.troubles [--only NAME] [--factor N]` needs `prometheus` on the PATH (Debian: prometheus). Real
workers, beat, store, consumer and traffic. All times of the rules and of the scrape are divided by the factor. Each
trouble is ended by the steps of its section of the runbook, and then its alert goes. Prints a line per trouble; ends
with 1 if one was not seen in its time, did not end, or another alert fired.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from campaigns.broker.options import connection
from campaigns.names import SUBMISSIONS
from tests.rig.prometheus import is_here
from tests.rig.running import WORKERS, Running
from tests.support.clocks import ServerWithClock
from tests.support.waiting import wait_until

_ALWAYS = {"CampaignsWatchdog"}
#: What scrapes, evaluations and slow processes take beside the time of a rule.
_SLACK_S = 60.0
#: How long each trouble stays, in seconds of an operator's time: every alert would have fired by then.
_STAYS_S = 720.0
#: How long an alert may stay after that, in the same seconds: the longest range is ten minutes.
_LEAVES_S = 900.0
#: Before a trouble is planted, nothing has fired for so many seconds.
_CALM_S = 20.0
_FULL = 0.88
_BALLAST = 64 * 1024 * 1024
_WRONG_S = 70.0


@dataclass(frozen=True)
class Trouble:
    """`alert` fires `rule_s` after `plant`, in seconds of an operator's time, and `own_s` that no factor shortens; it
    goes after `mend`, which does what the runbook says. A rule that compares with what was `compares_s` ago needs that
    time before."""

    alert: str
    rule_s: float
    plant: Callable[[Running], None]
    mend: Callable[[Running], None]
    own_s: float = 0.0
    compares_s: float = 0.0


def slow_down(here: Running) -> None:
    for method in ("sendQuickViberMessage", "sendBulkViber"):
        here.sandbox.fault("slow", method, times=None, delay_s=2.2)


def come_back(here: Running) -> None:
    """The operator does not want to wait for the next try."""
    here.open_gateway()
    resume_account(here)


def resume_account(here: Running) -> None:
    here.command("resume-account", "default", "--why", "mended")


def hold(here: Running) -> None:
    """A request arrives, its answer is lost, and the listing does not show it."""
    here.sandbox.change(list_bulk=False)
    here.sandbox.fault("reset_after", "sendBulkViber", times=1)
    wait_until(lambda: need_a_person(here), 120)


def need_a_person(here: Running) -> list[str]:
    return [json.loads(line)["id"] for line in here.command("list", "--needs-you", "--json").splitlines()]


def find(here: Running) -> None:
    """The operator finds the mailing in the gateway's cabinet."""
    for campaign_id in need_a_person(here):
        here.command("resolve", campaign_id, "sent", "--why", "it is in the cabinet")
    here.sandbox.change(list_bulk=True)


def send_twice(here: Running) -> None:
    """The operator sends again what had arrived, and then it shows."""
    hold(here)
    for campaign_id in need_a_person(here):
        here.command("resolve", campaign_id, "resend", "--why", "it is not in the cabinet")
    wait_until(lambda: most_sent(here) == 2, 60)
    here.sandbox.change(list_bulk=True)


def most_sent(here: Running) -> int:
    return max(Counter((row["phone"], row["text"]) for row in here.sandbox.ledger()).values())


def fill(here: Running) -> None:
    with Redis.from_url(here.server.url) as redis:
        redis.setrange("ballast", _BALLAST - 1, b"x")
        redis.config_set("maxmemory", round(redis.info("memory")["used_memory"] / _FULL))


def raise_limit(here: Running) -> None:
    with Redis.from_url(here.server.url) as redis:
        redis.config_set("maxmemory", 8 * _BALLAST)


def take_wrong_token(here: Running) -> None:
    for name in WORKERS:
        here.replace(name, token="w" * 40)


def renew_token(here: Running) -> None:
    for name in WORKERS:
        here.replace(name)
    resume_account(here)


def set_clock(here: Running, by_s: float) -> None:
    assert isinstance(here.server, ServerWithClock)
    here.server.set_clock(by_s)


def submit_nonsense(here: Running) -> None:
    """An application's message in which no job can be found."""
    with connection(here.services.settings) as producer:
        producer.Producer().publish("{}", exchange="", routing_key=SUBMISSIONS)


def discard_nonsense(here: Running) -> None:
    here.command("submissions", "discard", "--all")


def set_gateway_clock(here: Running, ahead_s: float) -> None:
    here.gateway_clock.ahead_ms = round(ahead_s * 1000)


CLOCK = "clock off"
TROUBLES = {
    "worker stopped": Trouble(
        "CampaignsQueueNotConsumed", 60, lambda here: here.stop("quick"), lambda here: here.start("quick"), 20
    ),
    "beat stopped": Trouble(
        "CampaignsBeatStopped", 120, lambda here: here.stop("beat"), lambda here: here.start("beat")
    ),
    "gateway slow": Trouble("CampaignsGatewaySlow", 1200, slow_down, lambda here: here.sandbox.clear_faults()),
    "gateway refusing": Trouble("CampaignsGatewayFails", 600, lambda here: here.close_gateway(), come_back, 20),
    "held batch": Trouble("CampaignsHeld", 900, hold, find),
    "consumer stopped": Trouble(
        "CampaignsConsumerBehind", 1800, lambda here: here.stop("consumer"), lambda here: here.start("consumer")
    ),
    "store nearly full": Trouble("CampaignsStoreNearlyFull", 300, fill, raise_limit),
    "wrong token": Trouble("CampaignsAccountRefused", 300, take_wrong_token, renew_token),
    "double send": Trouble("CampaignsDoubleSend", 0, send_twice, resume_account, 30),
    CLOCK: Trouble("CampaignsClockOff", 300, lambda here: set_clock(here, _WRONG_S), lambda here: set_clock(here, 0)),
    "gateway's clock off": Trouble(
        "CampaignsGatewayClockOff",
        1200,
        lambda here: set_gateway_clock(here, _WRONG_S),
        lambda here: set_gateway_clock(here, 0),
        own_s=20,
    ),
    "job refused": Trouble("CampaignsJobsRefused", 0, submit_nonsense, discard_nonsense, 30, compares_s=900),
}


class Watch:
    """Reads the alerts, and keeps the names of those that fired though they had no reason to."""

    def __init__(self, here: Running, expected: str) -> None:
        self._here, self._expected = here, expected
        self.others: set[str] = set()

    def calm(self, for_s: float) -> None:
        """Wait until nothing has fired for this time: while processes start, none is known to work."""
        since_s = time.monotonic()
        while time.monotonic() < since_s + for_s:
            if self.fires() or self.others:
                since_s = time.monotonic()
                self.others.clear()
            time.sleep(0.5)

    def fires(self) -> bool:
        firing = self._here.prometheus.firing() - _ALWAYS
        self.others |= firing - {self._expected}
        return self._expected in firing

    def wait(self, *, fires: bool, at_most_s: float) -> float | None:
        """Seconds until the alert fires or no longer does; None if that takes longer than `at_most_s`."""
        began_s = time.monotonic()
        while time.monotonic() < began_s + at_most_s:
            if self.fires() == fires:
                return time.monotonic() - began_s
            time.sleep(0.5)
        return None


def plant(name: str, factor: float) -> bool:
    """Whether the trouble was seen in its time, it alone, and ended. Prints what came of it."""
    trouble = TROUBLES[name]
    with (
        tempfile.TemporaryDirectory(prefix="campaigns-troubles-") as folder,
        Running(Path(folder), factor, with_clock=name == CLOCK) as here,
    ):
        watch = Watch(here, trouble.alert)
        watch.calm(_CALM_S + trouble.compares_s / factor)
        trouble.plant(here)
        planted_s = time.monotonic()
        within_s = trouble.rule_s / factor + trouble.own_s + _SLACK_S
        fired_s = watch.wait(fires=True, at_most_s=within_s)
        while time.monotonic() < planted_s + _STAYS_S / factor:
            watch.fires()
            time.sleep(0.5)
        trouble.mend(here)
        gone_s = watch.wait(fires=False, at_most_s=_LEAVES_S / factor + _SLACK_S)
    seen = f"after {fired_s:.0f} s" if fired_s is not None else f"not within {within_s:.0f} s"
    ended = f"{gone_s:.0f} s" if gone_s is not None else "never"
    others = ", ".join(sorted(watch.others)) or "none"
    _say(f"{name}: {trouble.alert} {seen}, gone after its mending: {ended}; others: {others}")
    return fired_s is not None and gone_s is not None and not watch.others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=TROUBLES, action="append", help="this trouble; may be given several times")
    parser.add_argument(
        "--factor", type=float, default=6, help="by how much times are shortened (default: %(default)s)"
    )
    options = parser.parse_args()
    if not is_here():
        sys.exit("prometheus is not on the PATH: install it (Debian: apt-get install prometheus)")
    kept = True
    for name in options.only or TROUBLES:
        kept = plant(name, options.factor) and kept
    sys.exit(0 if kept else 1)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
