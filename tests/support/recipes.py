"""The recipes of `deploy/RECIPES.md`, and what came of them."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import closing
from types import ModuleType

from campaigns.testing import Here
from tests.support.documents import read

TEXT = read("deploy/RECIPES.md")

Run = Callable[..., ModuleType]


def blocks(heading: str, language: str = "python") -> list[str]:
    """The blocks of code under a heading."""
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def sent(here: Here) -> list[tuple[str, str]]:
    """Phones and texts of all that was really sent."""
    return sorted((row["phone"], row["text"]) for row in here.sandbox.ledger())


def nowhere() -> str:
    """The address of a server that is not there."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{free.getsockname()[1]}/0"
