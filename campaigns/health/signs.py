"""Signs of life: a small file per process, which its own loop rewrites whether or not store and broker answer.

`campaigns alive` reads them. Times are seconds of `time.monotonic`: all processes of a machine share that clock, it is
never set, and it stands still while the machine is suspended. A process holds a lock on its file while it lives, so the
file of a process that was killed is ignored, even if another process has its id by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campaigns.settings import Settings

log = logging.getLogger(__name__)

WORKER: Final = "worker"
BEAT: Final = "beat"
CALLBACKS: Final = "callbacks"
ROLES: Final = (WORKER, BEAT, CALLBACKS)

#: Bytes of each field, so that one can be rewritten in place, by any process that shares the file.
_FIELD: Final = 32
_TURNED, _PROGRESSED, _CONNECTED, _ABOUT = (_FIELD * number for number in range(4))
#: A mark that is younger is not written again.
_OFTEN_S: Final = 0.5


def folder_of(settings: Settings) -> Path:
    """Where the processes of this machine leave their signs."""
    return Path(settings.signs_folder or Path(tempfile.gettempdir()) / f"viber-campaigns-{os.geteuid()}")


@dataclass(frozen=True, slots=True)
class Sign:
    """What a process has left. Times are seconds of `time.monotonic`.

    `turned_s`: when its loop last turned. `progressed_s`: when a task of a worker last ended, or none could, because
    store or broker were away. `connected`: False while a worker connects to its broker.
    """

    role: str
    process: int
    queues: tuple[str, ...]
    turned_s: float
    progressed_s: float
    connected: bool


class LifeSign:
    """The sign of this process, and of the pool's processes that are forked from it.

    Nothing here raises OSError: a folder that cannot be written to is logged, and the process works on.
    """

    def __init__(
        self, folder: Path, role: str, queues: Sequence[str] = (), *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._turned_s = self._progressed_s = float("-inf")
        self._connected: bool | None = None
        self._path, self._file = _created(folder, role, queues)
        self.turned(connected=role != WORKER)
        self.progressed()

    def turned(self, *, connected: bool = True) -> bool:
        """The loop of this process has just turned; `connected`: with its broker. Returns whether it was written."""
        now_s = self._monotonic()
        if connected is not self._connected:
            self._connected = connected
            self._write(_CONNECTED, "connected" if connected else "not connected")
        elif now_s - self._turned_s < _OFTEN_S:
            return False
        self._turned_s = now_s
        self._write(_TURNED, f"{now_s:.3f}")
        return True

    def progressed(self) -> None:
        """A task has just ended, or none can be expected to."""
        now_s = self._monotonic()
        if now_s - self._progressed_s >= _OFTEN_S:
            self._progressed_s = now_s
            self._write(_PROGRESSED, f"{now_s:.3f}")

    def idle_s(self) -> float:
        """Seconds since there was progress in this process or in one that was forked from it."""
        latest_s = self._progressed_s
        with contextlib.suppress(OSError, ValueError):
            if self._file is not None:
                latest_s = float(os.pread(self._file, _FIELD, _PROGRESSED))
        return self._monotonic() - latest_s

    def remove(self) -> None:
        """The process ends on purpose."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self, place: int, text: str) -> None:
        if self._file is None:
            return
        try:
            os.pwrite(self._file, _field(text), place)
        except OSError as error:
            log.warning("sign_of_life_not_written", extra={"error": type(error).__name__, "reason": str(error)})


def _created(folder: Path, role: str, queues: Sequence[str]) -> tuple[Path | None, int | None]:
    """The file of a new sign, locked before it has a name by which others find it."""
    path = folder / f"{role}-{os.getpid()}-{uuid.uuid4().hex[:8]}.sign"
    about = json.dumps({"role": role, "process": os.getpid(), "queues": sorted(queues)})
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), 0}:
            raise PermissionError(f"{folder} belongs to another user")
        list(signs(folder))  # drops those of processes that were killed
        unnamed = path.with_suffix(".new")
        file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(file, _field("-inf") * 2 + _field("connected") + about.encode() + b"\n", 0)
        unnamed.rename(path)
    except OSError as error:
        log.warning("sign_of_life_not_written", extra={"error": type(error).__name__, "reason": str(error)})
        return None, None
    return path, file


def signs(folder: Path) -> Iterator[Sign]:
    """The signs of all processes that live. Files of others are removed. Raises OSError if they may not be read.

    Not for a process that has a sign itself in `folder`: reading one's own file gives up its lock.
    """
    for path in sorted(folder.glob("*.sign")):
        try:
            with path.open("rb") as file:
                if _is_left(file.fileno()):
                    path.unlink(missing_ok=True)
                    continue
                text = file.read()
        except FileNotFoundError:
            continue  # it has just ended
        with contextlib.suppress(ValueError, KeyError):
            yield _read(text)


def _is_left(file: int) -> bool:
    """Whether the process that wrote the file is gone: no process holds its lock."""
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(text: bytes) -> Sign:
    turned, progressed, connected = (text[at : at + _FIELD].strip() for at in (_TURNED, _PROGRESSED, _CONNECTED))
    about = json.loads(text[_ABOUT:])
    return Sign(
        role=about["role"],
        process=about["process"],
        queues=tuple(about["queues"]),
        turned_s=float(turned),
        progressed_s=float(progressed),
        connected=connected == b"connected",
    )


def _field(text: str) -> bytes:
    return text.ljust(_FIELD - 1).encode() + b"\n"
