"""Follow the written steps in a fresh Debian, as root: `python -m tests.deploy.debian`, or one of `systemd`, `container`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from tests.deploy.debian import walk_container, walk_systemd
from tests.deploy.debian.root import StepError, copied, install
from tests.deploy.debian.walk_systemd import said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["systemd", "container"], help="both unless one is named")
    parser.add_argument("--suite", default="bookworm", help="a release of Debian that debootstrap knows")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="campaigns-debian-"))
    began_s = time.monotonic()
    try:
        follow([arguments.what] if arguments.what else ["systemd", "container"], arguments.suite, folder)
    except StepError as error:
        raise SystemExit(str(error)) from None
    finally:
        shutil.rmtree(folder)
    said(f"every step worked as written, in {time.monotonic() - began_s:.0f} s")


def follow(what: list[str], suite: str, folder: Path) -> None:
    install(folder / "debian", suite)
    if "systemd" in what:
        walk_systemd.walk(copied(folder / "debian", folder / "systemd"))
    if "container" in what:
        (folder / "containers").mkdir()
        walk_container.walk(folder / "containers", folder / "debian")


if __name__ == "__main__":
    main()
