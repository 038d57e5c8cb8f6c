"""The project's Celery app as the storm runs it: it trusts the storm's TLS, stands still at times, and may be a mutant.

`celery --app tests.rig.workers worker`. What is done to it stands in the environment: see `Treatment`.
"""

from __future__ import annotations

import contextlib
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from campaigns.gateway import Transport
from tests.rig.mutants import IN_WORKERS, OF_FAILOVERS
from workers.app import app

__all__ = ["app"]

_VARIABLE = "RIG_WORKERS"
#: Kept, since what is entered ends with its stack.
_for_life = ExitStack()


@dataclass(frozen=True)
class Treatment:
    """`ca_file` is trusted.

    While the folder `stalls` exists, such a share of the processes that are about to make a paid request stop for
    good, two at a time; the folder names them.
    """

    ca_file: str
    stalls: str = ""
    stall_probability: float = 0.0
    mutant: str = ""

    def as_environment(self) -> dict[str, str]:
        parts = (self.ca_file, self.stalls, self.stall_probability, self.mutant)
        return {_VARIABLE: "|".join(map(str, parts))}

    @classmethod
    def from_environment(cls) -> Treatment:
        ca_file, stalls, probability, mutant = os.environ[_VARIABLE].split("|")
        return cls(ca_file, stalls, float(probability), mutant)


def treat(treatment: Treatment) -> None:
    """Until this process ends, and in its forks."""
    _trust(treatment.ca_file)
    if treatment.mutant:
        _for_life.enter_context({**IN_WORKERS, **OF_FAILOVERS}[treatment.mutant]())
    if treatment.stall_probability:
        _stall(treatment)


def _trust(ca_file: str) -> None:
    original = Transport.__init__

    def init(self: Transport, *args: Any, **options: Any) -> None:
        original(self, *args, **{**options, "ca_file": ca_file})

    Transport.__init__ = init  # type: ignore[method-assign]


def _stall(treatment: Treatment) -> None:
    """SIGSTOP between the claim and the first byte, as when a machine is suspended, until SIGCONT."""
    original, randoms = Transport.send, dict[int, Random]()

    def send(self: Transport, call: Any, *args: Any, **options: Any) -> Any:
        random = randoms.setdefault(os.getpid(), Random(os.getpid()))
        if call.paid and random.random() < treatment.stall_probability and _takes_place(Path(treatment.stalls)):
            os.kill(os.getpid(), signal.SIGSTOP)
        return original(self, call, *args, **options)

    Transport.send = send  # type: ignore[method-assign]


def _takes_place(folder: Path) -> bool:
    """Whether fewer than two others stand still. The places of processes that were killed are free again."""
    for place in (folder / "1", folder / "2"):
        with contextlib.suppress(FileNotFoundError, ValueError):
            if not _is_alive(int(place.read_text("ascii"))):
                place.unlink()
        with contextlib.suppress(FileExistsError, FileNotFoundError), place.open("x") as file:
            file.write(str(os.getpid()))
            return True
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if _VARIABLE in os.environ:
    treat(Treatment.from_environment())
