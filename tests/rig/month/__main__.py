"""The command: see the package."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rig import month
from tests.rig.month.clock import SimulatedClock
from tests.rig.month.judging import verdict
from tests.rig.month.simulation import DAY_S, Day, Plan, Simulation
from tests.rig.month.telling import line, sums, table
from tests.rig.month.traffic import Volume
from tests.support.clocks import ServerWithClock


@contextmanager
def simulation(plan: Plan) -> Iterator[Simulation]:
    """A simulation on a server of its own, which keeps nothing on disk."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerWithClock(Path(folder), appendonly=False)
        with server, SimulatedClock(server) as clock, Simulation(plan, server.url, clock) as simulated:
            yield simulated


def run(plan: Plan) -> list[str]:
    """Run a plan, and print a line a day. Returns what is wrong."""
    days: list[Day] = []
    with simulation(plan) as simulated:
        for day in simulated.days():
            days.append(day)
            print(line(day), flush=True)  # noqa: T201 (a command)
        print("\n".join(table(plan, days)), sums(plan, days, simulated), sep="\n")  # noqa: T201
        gateway = simulated.gateway
        refused = len(simulated.refused)
        return verdict(plan, days, simulated.books, refused=refused, paid=gateway.paid, marked=gateway.marked)


def _plan(options: argparse.Namespace) -> Plan:
    scale = options.scale
    volume = Volume(round(options.singles * scale), options.campaigns, round(options.recipients * scale))
    return Plan(
        volume,
        days=options.days,
        retention_s=options.retention_days * DAY_S,
        step_s=options.step_s,
        sweep_s=options.sweep_h * 3600,
        events_cap=max(100, round(options.events_cap * scale)),
        group=options.group,
        seed=options.seed,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests.rig.month", description=month.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=33, help="with traffic (default: %(default)s)")
    parser.add_argument("--singles", type=int, default=20_000, help="single messages a day (default: %(default)s)")
    parser.add_argument("--campaigns", type=int, default=3, help="campaigns a day (default: %(default)s)")
    parser.add_argument("--recipients", type=int, default=100_000, help="of each campaign (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of singles, recipients and cap of events")
    parser.add_argument("--retention-days", type=float, default=14, help="CAMPAIGNS_RETENTION_S (default: %(default)s)")
    parser.add_argument("--step-s", type=float, default=300, help="simulated seconds of a step (default: %(default)s)")
    parser.add_argument("--sweep-h", type=float, default=24, help="hours between whole rounds of sweeping")
    parser.add_argument("--events-cap", type=int, default=100_000, help="CAMPAIGNS_EVENTS_CAP (default: %(default)s)")
    parser.add_argument("--group", action="store_true", help="one group of consumers reads; else none does")
    parser.add_argument("--seed", type=int, default=1)
    began_s = time.monotonic()
    wrong = run(_plan(parser.parse_args()))
    print("\n".join(wrong) or "all is well", f"({time.monotonic() - began_s:.0f} s)")  # noqa: T201
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
