"""The documents agree with each other and with the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.documents import ROOT, anchors, blocks, code, documents, links, rows, section

DOCUMENTS = [str(path.relative_to(ROOT)) for path in documents()]


def broken(document: Path, root: Path = ROOT) -> list[str]:
    """Targets of links in a document that lead to no file under `root`, or to no heading there."""
    found = []
    for target in links(document.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if "://" in target or target.startswith("mailto:"):
            continue
        there = path.exists() and path.is_relative_to(root)
        if not there or (anchor and anchor not in anchors(path.read_text("utf-8"))):
            found.append(target)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links(name: str) -> None:
    assert broken(ROOT / name) == []


def test_broken_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n[a](#a-page) [b](#b) [c](c.md) `[d](d.md)` ![e](e.png)\n```\n[f](f)\n```\n", "utf-8")
    assert links(page.read_text("utf-8")) == ["#a-page", "#b", "c.md", "e.png"]
    assert broken(page, tmp_path) == ["#b", "c.md", "e.png"]


def test_tables_and_blocks_are_read() -> None:
    text = "## One\n| a | b |\n| --- | :-: |\n| `x\\|y` | 2 |\n```sh\nls\n```\n## Two\n"
    assert rows(section(text, "One")) == [["`x|y`", "2"]]
    assert code(rows(text)[0][0]) == ["x|y"]
    assert blocks(text, "sh") == ["ls\n"]
