"""The project's documents as tests read them: sections, tables, code blocks and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: Folders whose documents are ours. Others, such as `.venv`, hold those of other people.
_OURS = ("campaigns", "deploy", "tests", "workers", ".github")


def documents() -> list[Path]:
    """Every document of the project."""
    deeper = (path for folder in _OURS for path in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *deeper])


def read(name: str) -> str:
    """A document by its path from the root of the project."""
    return (ROOT / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level, up to the next. Raises ValueError if there is not just one."""
    (found,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return str(found)


def blocks(text: str, language: str) -> list[str]:
    """The code blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if re.fullmatch(r"\|[ :|-]+\|", line):
            found.pop()  # the head stands above its rule
        elif line.startswith("|"):
            found.append([cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def code(cell: str) -> list[str]:
    """What a cell names as code."""
    return re.findall(r"`([^`]+)`", cell)


def links(text: str) -> list[str]:
    """The targets of all links and pictures outside of code."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`\n]*`", "code", prose)
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose) + re.findall(r'(?:src|href)="([^"]+)"', prose)


def anchors(text: str) -> Iterator[str]:
    """The names by which GitHub lets a link find the headings of a document."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#+ (.*)$", prose, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
