"""The documents agree with each other and with the tree."""

from __future__ import annotations

import ast
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner

from campaigns import errors
from campaigns.cli import exit_codes
from campaigns.cli.command_line import cli
from campaigns.events import event_schemas
from campaigns.ledger.states import BATCH_STATES
from campaigns.store.keys import Keys
from tests.pictures import make
from tests.support.documents import ROOT, anchors, blocks, code, documents, links, read, rows, section

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


REFERENCE = "deploy/guide/reference"
EXPLANATION = "deploy/guide/explanation"
PICTURES = sorted((ROOT / "deploy" / "guide" / "pictures").glob("*.png"))


def first_column(name: str, heading: str = "") -> list[str]:
    """The cells in the first column of a document's tables, or of those under a heading, without marks of code."""
    text = section(read(name), heading) if heading else read(name)
    return [cells[0].strip("`") for cells in rows(text)]


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 150


def test_every_page_can_be_found_from_the_readme() -> None:
    found, new = set[Path](), {ROOT / "README.md"}
    while new:
        found |= new
        reached = {
            (page.parent / link.partition("#")[0]).resolve() for page in new for link in links(page.read_text("utf-8"))
        }
        new = {path for path in reached if path.suffix == ".md"} - found
    assert [str(path) for path in documents() if path not in found] == []


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_pictures(path: Path) -> None:
    """Small, and of a size that a page shows sharply."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(content) < 150_000
    assert struct.unpack(">2I", content[16:24]) == (1120, 800)


@pytest.mark.browser
def test_pictures_can_be_made_anew(tmp_path: Path) -> None:
    make(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in PICTURES]


def test_every_picture_is_shown() -> None:
    shown = {Path(target).name for target in links(read("README.md")) if target.endswith(".png")}
    assert shown == {path.name for path in PICTURES} != set()


def test_the_table_of_harm_is_the_same_everywhere() -> None:
    table = rows(section(read("README.md"), "The promise"))
    assert ["messaged twice or more", "**0**", "2,790"] in table
    assert ["never messaged, and not reported", "**0**", "35"] in table
    assert rows(section(read(f"{EXPLANATION}/guarantees.md"), "How it is tested")) == table


def test_states_of_a_batch() -> None:
    assert first_column(f"{EXPLANATION}/guarantees.md", "The states of a batch") == list(BATCH_STATES)


def test_commands() -> None:
    named = [cell.split()[0] for cell in first_column(f"{REFERENCE}/commands.md", "All commands")]
    assert sorted(named) == sorted(cli.commands)


def test_options_of_commands() -> None:
    """What the table and the guide say of options is there."""
    for command, does in rows(section(read(f"{REFERENCE}/commands.md"), "All commands")):
        output = CliRunner().invoke(cli, [command.strip("`").split()[0], "--help"]).output
        for option in [word for text in code(does) for word in text.split() if word.startswith("--")]:
            assert option in output, f"{command}: {option}"


def test_exit_codes() -> None:
    codes = {0, *(value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int))}
    assert {int(cell) for cell in first_column(f"{REFERENCE}/commands.md", "Exit codes")} == codes


def test_events() -> None:
    table = rows(section(read(f"{REFERENCE}/events.md"), "Types"))
    assert {cells[0].strip("`") for cells in table} == set(event_schemas())
    for name, _, data in table:
        schema = event_schemas()[name.strip("`")]
        assert sorted(code(data)) == sorted(schema["properties"])
        needed = [cell.strip("`") for cell in data.split(", ") if not cell.startswith("[")]
        assert sorted(needed) == sorted(schema.get("required", []))


def test_keys() -> None:
    keys = Keys("")
    batch = "<id>-<n>"
    assert first_column(f"{REFERENCE}/keys.md") == [
        keys.campaign("<id>"),
        keys.batch(batch),
        keys.deliveries(batch, "<mailing>"),  # type: ignore[arg-type]
        keys.replies("<id>"),
        keys.message("<account>", "<message_id>"),  # type: ignore[arg-type]
        keys.optouts(),
        keys.optouts_of("<account>"),
        keys.optouts_of("<account>/<topic>"),
        keys.events(),
    ]


def test_errors() -> None:
    named = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(read(f"{REFERENCE}/errors.md"))}
    classes = [node for node in ast.parse(read("campaigns/errors.py")).body if isinstance(node, ast.ClassDef)]
    assert named == {node.name: getattr(errors, node.name).__base__.__name__ for node in classes}
