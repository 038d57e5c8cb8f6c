"""`campaigns alive`: whether the processes on this machine make progress, for health checks and probes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import console, print_json
from campaigns.errors import StoreError
from campaigns.health.liveness import Limits, Overdue, may_be_stuck, name_of, overdue, stands_still, stuck_words
from campaigns.health.signs import ROLES, Sign, folder_of, signs
from campaigns.names import QUEUES
from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.wiring import INTERACTIVE, consumer_settings, open_store

#: A probe is given five seconds, of which starting Python takes one.
_PATIENCE = INTERACTIVE._replace(connect_s=1, answer_s=1, give_up_s=0.5)
_USUAL = Limits()
_seconds = click.FloatRange(min=0.1)


class Verdict(NamedTuple):
    """Whether all are alive, and the sentence that says why."""

    alive: bool
    why: str


def _queues(_context: click.Context, _parameter: click.Parameter, given: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given.split(",")) if given else ()
    if wrong := [name for name in names if name not in QUEUES]:
        raise click.BadParameter(f"{wrong[0]!r} is not a queue; the queues are {', '.join(QUEUES)}")
    return names


@click.command(short_help="Check whether the processes on this machine make progress.")
@click.argument("role", required=False, type=click.Choice(ROLES))
@click.option("--queues", metavar="QUEUE,QUEUE", callback=_queues, help="Only workers of these queues; each needs one.")
@click.option(
    "--loop-s",
    default=_USUAL.loop_s,
    show_default=True,
    type=_seconds,
    help="Seconds without a turn of its loop after which a process is not alive.",
)
@click.option(
    "--broker-s",
    default=_USUAL.broker_s,
    show_default=True,
    type=_seconds,
    help="The same for a worker that reconnects to the broker.",
)
@click.option(
    "--work-s",
    default=_USUAL.work_s,
    show_default=True,
    type=_seconds,
    help="Seconds for which work is due and none is done.",
)
@as_json
@reports_errors
def alive(
    role: str | None, queues: tuple[str, ...], loop_s: float, broker_s: float, work_s: float, as_json: bool
) -> None:
    """Check whether workers, beat and receivers of callbacks on this machine make progress, and print a sentence.

    Exit code 1 if one of them does not, or if none runs. A process stays alive while the store or the broker is away.
    Run it as the user of the process, in its container.
    """
    settings = consumer_settings()
    folder = folder_of(settings)
    try:
        found = [sign for sign in signs(folder) if _is_meant(sign, role, queues)]
        verdict = _missing(found, role, queues, folder) or _examined(found, Limits(loop_s, broker_s, work_s), settings)
    except OSError as error:
        found, verdict = [], Verdict(False, f"the signs of life in {folder} cannot be read: {error.strerror or error}")
    if as_json:
        print_json({**verdict._asdict(), "processes": [_as_dict(sign) for sign in found]})
    else:
        console.print(verdict.why, soft_wrap=True)
    sys.exit(0 if verdict.alive else FAILED)


def _is_meant(sign: Sign, role: str | None, queues: Sequence[str]) -> bool:
    if queues and not set(queues) & set(sign.queues):
        return False
    return role is None or sign.role == role


def _missing(found: Sequence[Sign], role: str | None, queues: Sequence[str], folder: Path) -> Verdict | None:
    consumed = {queue for sign in found for queue in sign.queues}
    if missing := [queue for queue in queues if queue not in consumed]:
        return Verdict(False, f"no worker of the queue {missing[0]} has left a sign of life in {folder}")
    return None if found else Verdict(False, f"no {role or 'process'} has left a sign of life in {folder}")


def _examined(found: Sequence[Sign], limits: Limits, settings: Settings) -> Verdict:
    now_s = time.monotonic()
    for sign in found:
        if (why := stands_still(sign, now_s, limits)) is not None:
            return Verdict(False, f"{name_of(sign)} is not alive: {why}")
    names = " and ".join(name_of(sign) for sign in found)
    turning = f"{names} {'is' if len(found) == 1 else 'are'} alive: every loop turns"
    idle = [sign for sign in found if may_be_stuck(sign, now_s, limits)]
    if not idle:
        return Verdict(True, turning)
    try:
        return _stuck(idle, now_s, limits, open_store(settings, _PATIENCE)) or Verdict(True, turning)
    except StoreError:
        return Verdict(True, f"{turning}, and the store does not answer, so what is due is unknown")


def _stuck(idle: Sequence[Sign], now_s: float, limits: Limits, store: Store) -> Verdict | None:
    """The verdict about the first worker that leaves work undone. Raises StoreError."""
    for sign in idle:
        late: Overdue | None = overdue(store, sign.queues, limits.work_s)
        if late is not None:
            return Verdict(False, f"{name_of(sign)} is not alive: {stuck_words(sign, now_s, late)}")
    return None


def _as_dict(sign: Sign) -> dict[str, Any]:
    now_s = time.monotonic()
    return {
        "role": sign.role,
        "process": sign.process,
        "queues": list(sign.queues),
        "connected": sign.connected,
        "loop_s": round(now_s - sign.turned_s, 3),
        "work_s": round(now_s - sign.progressed_s, 3),
    }
