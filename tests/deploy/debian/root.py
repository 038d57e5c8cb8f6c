"""A fresh Debian in a folder, in which lines are typed as on a machine of its own.

systemd runs in it as the first process, so units run as they will: with their user, their limits and their watchdog.
Needs root, debootstrap, and a kernel with cgroup2. Its processes have a loopback of their own and no other network;
only lines that install something get the machine's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HERE = Path(__file__).parent
#: What an installed Debian has beyond debootstrap's least.
PACKAGES: Final = "ca-certificates,dbus,systemd-sysv"
#: What a login of root sets.
LOGIN: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
#: What of this machine tells apt, pip and TLS how to reach their registries.
REACH: Final = ("PIP_", "SSL_CERT", "http_proxy", "https_proxy", "no_proxy")
REACH_FILES: Final = ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")


class StepError(Exception):
    """A line failed. Its text is the line, its exit code and what it printed."""


def install(folder: Path, suite: str) -> None:
    """Put a fresh Debian into `folder`. Raises CalledProcessError."""
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(folder)]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True)
    for name in REACH_FILES:
        if Path(name).is_file():
            shutil.copyfile(name, folder / name[1:])


def copied(folder: Path, to: Path) -> Path:
    """Another of the same."""
    subprocess.run(["cp", "--archive", "--reflink=auto", str(folder), str(to)], check=True)
    return to


class Root:
    """A Debian that runs."""

    def __init__(self, folder: Path, init: int) -> None:
        self.folder = folder
        self._init = init

    def run(self, lines: str, *, where: str = "/", network: bool = False, stdin: str = "") -> str:
        """What `lines` print, typed in the folder `where`. Raises StepError at the first that fails."""
        script = f"cd {where}\n{lines}"
        command = [*self.enter(network=network), "bash", "-eu", "-o", "pipefail", "-c", script]
        ended = subprocess.run(
            command, env=surroundings(network), input=stdin, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise StepError(f"{lines}\n[exit code {ended.returncode}]\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def enter(self, *, network: bool = False) -> list[str]:
        spaces = ["--mount", "--pid", "--uts", "--ipc", "--cgroup", *([] if network else ["--net"])]
        return ["nsenter", "--target", str(self._init), *spaces, "--root", "--wd"]


def surroundings(network: bool) -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if network and name.startswith(REACH)}
    return {**LOGIN, **found}


@contextmanager
def booted(folder: Path) -> Iterator[Root]:
    """The Debian in `folder`, running. Afterwards none of its processes is left."""
    group = _cgroups() / f"debian-{os.getpid()}-{folder.name}"
    group.mkdir()
    with folder.with_suffix(".log").open("ab") as log:
        command = [str(HERE / "boot"), str(folder), str(group)]
        starter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        init = _first_process(starter, folder)
        root = Root(folder, init)
        _wait_until_running(root)
        yield root
    finally:
        _end(starter, group)


def _cgroups() -> Path:
    """Where this machine has cgroup2 mounted. Raises ValueError if nowhere."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    found = [Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2"]
    if not found:
        raise ValueError("no cgroup2 is mounted here")
    return found[0]


def _first_process(starter: subprocess.Popen[bytes], folder: Path, timeout_s: float = 30) -> int:
    """The id, seen from here, of the process with the id 1 in there, once it is systemd."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and starter.poll() is None:
        children = Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text("utf-8").split()
        if children and Path(f"/proc/{children[0]}/comm").read_text("utf-8") == "systemd\n":
            return int(children[0])
        time.sleep(0.1)
    raise StepError(f"systemd did not start: see {folder.with_suffix('.log')}")


def _wait_until_running(root: Root, timeout_s: float = 60) -> None:
    """Degraded will do: some of Debian's own units want more of a machine than namespaces have."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            root.run("[[ $(systemctl is-system-running || true) =~ ^(running|degraded)$ ]]")
            return
        except StepError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _end(starter: subprocess.Popen[bytes], group: Path) -> None:
    """Its first process takes all others with it."""
    for child in Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text("utf-8").split():
        os.kill(int(child), signal.SIGKILL)
    starter.wait(30)
    for folder in (*sorted(filter(Path.is_dir, group.rglob("*")), reverse=True), group):
        _remove(folder)


def _remove(group: Path, timeout_s: float = 30) -> None:
    """The kernel refuses until the last process of a group has ended."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            group.rmdir()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
