"""The signal to systemd of a service with `WatchdogSec=`: systemd restarts one that does not send it in that time."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


def tell_watchdog(environ: Mapping[str, str] = os.environ) -> None:
    """Say that this process makes progress, if its supervisor listens (`sd_notify(3)`). Never raises OSError."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
        telling.setblocking(False)
        # A name that begins with @ is an abstract one, which Linux spells with a NUL.
        telling.sendto(b"WATCHDOG=1", address.replace("@", "\0", 1) if address.startswith("@") else address)
