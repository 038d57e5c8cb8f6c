"""The steps of deploy/README.md, as blocks of lines to type."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.support.documents import blocks, read, section

#: What needs the machine's network. Everything else is typed without.
_FETCHING: Final = ("apt-get install", "pip install")


class Systemd(NamedTuple):
    """The blocks of the section on systemd, in their order."""

    store: str
    project: str
    settings: str
    sandbox: str
    start: str
    ask: str
    aside: str


def systemd_steps() -> Systemd:
    """Raises TypeError if the section has another number of blocks."""
    return Systemd(*blocks(section(read("deploy/README.md"), "systemd"), "sh"))


def acl_steps() -> tuple[str, str]:
    """The lines that put the file of users into place, before and after a person writes the password into it."""
    (block,) = blocks(section(read("deploy/README.md"), "A user of the store with least privilege"), "sh")
    before, after = block.split("\n", 1)
    return before, after


def rolling_restart() -> str:
    """The line that restarts all processes of systemd, one after the other."""
    lines = section(read("deploy/README.md"), "Restarting").splitlines()
    (line,) = [line.strip() for line in lines if line.startswith("    for ") and "systemctl" in line]
    return line


def fetches(block: str) -> bool:
    return any(words in block for words in _FETCHING)
