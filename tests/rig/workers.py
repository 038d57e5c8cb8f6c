"""The project's Celery app as the storm runs it: it trusts the storm's TLS, stands still at times, and may be a mutant.

`celery --app tests.rig.workers worker`. What is done to it stands in the environment: see `Treatment`.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from typing import Any

from campaigns.gateway import Transport
from tests.rig.mutants import IN_WORKERS
from workers.app import app

__all__ = ["app"]

_VARIABLE = "RIG_WORKERS"
#: Kept, since what is entered ends with its stack.
_for_life = ExitStack()


@dataclass(frozen=True)
class Treatment:
    """`ca_file` is trusted.

    While the file `while_there` exists, a process stops for `stall_s` seconds before so large a share of its paid
    requests.
    """

    ca_file: str
    while_there: str = ""
    stall_probability: float = 0.0
    stall_s: float = 0.0
    mutant: str = ""

    def as_environment(self) -> dict[str, str]:
        parts = (self.ca_file, self.while_there, self.stall_probability, self.stall_s, self.mutant)
        return {_VARIABLE: "|".join(map(str, parts))}

    @classmethod
    def from_environment(cls) -> Treatment:
        ca_file, while_there, probability, stall_s, mutant = os.environ[_VARIABLE].split("|")
        return cls(ca_file, while_there, float(probability), float(stall_s), mutant)


def treat(treatment: Treatment) -> None:
    """For the rest of this process' life, and in its forks."""
    _trust(treatment.ca_file)
    if treatment.mutant:
        _for_life.enter_context(IN_WORKERS[treatment.mutant]())
    if treatment.stall_probability:
        _stall(treatment)


def _trust(ca_file: str) -> None:
    original = Transport.__init__

    def init(self: Transport, *args: Any, **options: Any) -> None:
        original(self, *args, **{**options, "ca_file": ca_file})

    Transport.__init__ = init  # type: ignore[method-assign]


def _stall(treatment: Treatment) -> None:
    """SIGSTOP between the claim and the first byte, as when a machine is suspended; another process wakes this one."""
    original, randoms = Transport.send, dict[int, Random]()

    def send(self: Transport, call: Any, *args: Any, **options: Any) -> Any:
        random = randoms.setdefault(os.getpid(), Random(os.getpid()))
        chosen = call.paid and random.random() < treatment.stall_probability
        if chosen and os.path.exists(treatment.while_there):
            subprocess.Popen(
                ["sh", "-c", f"sleep {treatment.stall_s}; kill -CONT {os.getpid()}"], stdin=subprocess.DEVNULL
            )
            os.kill(os.getpid(), signal.SIGSTOP)
        return original(self, call, *args, **options)

    Transport.send = send  # type: ignore[method-assign]


if _VARIABLE in os.environ:
    treat(Treatment.from_environment())
