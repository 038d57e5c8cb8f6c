"""`campaigns/store/keys.py` and `result_keys.py` describe every key and every field, and nothing that is gone."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import campaigns
from campaigns.store.keys import Keys
from tests.support.lua import INCLUDES, SCRIPTS, hash_commands

ROOT = Path(campaigns.__file__).parent
METHODS = {name: method for name, method in inspect.getmembers(Keys, inspect.isfunction) if name[0] != "_"}
#: Hashes whose fields are facts, and how Lua calls their keys.
HASHES = {
    "campaign": r"campaign(_key)?|k\.campaign|campaign_base \.\. .*|owner",
    "batch": r"batch(_key)?|k\.batch|batch_base \.\. .*",
    "account": r"account(_key)?|hash|keys\.account|account_base \.\. .*|key",
    "primary": r"primary(_key)?|k\.primary",
    "stream": r"stream",
    "clock": r"CLOCK",
}
_FIELD = re.compile(r"'([a-z_]+:?)'")


def documented(kind: str) -> set[str]:
    """The fields that the description of a hash names; of `r:<batch state>` the beginning."""
    text = inspect.getdoc(METHODS[kind]) or ""
    return {word.split("<")[0] for word in re.findall(r"`([a-z_]+(?::[^`]*)?)`", text)}


def in_lua() -> Iterator[tuple[str, str]]:
    """Every field that a script names with its command: which hash, and the field or its beginning."""
    for lua in [*SCRIPTS.values(), *INCLUDES.values()]:
        for command, *rest in hash_commands(lua.code):
            if re.match(r"'H(GET|SET|SETNX|MGET|DEL|INCRBY|EXISTS)'", command) and rest:
                kinds = [kind for kind, called in HASHES.items() if re.fullmatch(called, rest[0])]
                pairs = command == "'HSET'"
                for number, argument in enumerate(rest[1:]):
                    if kinds and not (pairs and number % 2) and not (command in ("'HINCRBY'", "'HSETNX'") and number):
                        yield from ((kinds[0], field) for field in _FIELD.findall(argument)[:1] if argument[0] == "'")


def test_every_field_that_lua_names_is_described() -> None:
    found = set(in_lua())
    assert len(found) > 100
    assert sorted((kind, field) for kind, field in found if field not in documented(kind)) == []


def in_python() -> Iterator[tuple[str, str]]:
    """Every field of a campaign or a batch that Python names: in `.number("x")`, `.fields["x"]` and `"x" in ...fields`."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="number", value=owner), args=[ast.Constant(value=str(field))]):
                    yield ast.unparse(owner), field
                case ast.Subscript(
                    value=ast.Attribute(attr="fields", value=owner), slice=ast.Constant(value=str(field))
                ):
                    yield ast.unparse(owner), field
                case ast.Call(
                    func=ast.Attribute(attr="get", value=ast.Attribute(attr="fields", value=owner)),
                    args=[ast.Constant(value=str(field)), *_],
                ):
                    yield ast.unparse(owner), field
                case ast.Compare(
                    left=ast.Constant(value=str(field)), comparators=[ast.Attribute(attr="fields", value=owner)]
                ):
                    yield ast.unparse(owner), field


def test_every_field_that_python_names_is_described() -> None:
    found = set(in_python())
    assert len(found) > 30
    known = {name.split(":")[0] for kind in ("campaign", "batch") for name in documented(kind)}
    assert sorted((owner, field) for owner, field in found if field.split(":")[0] not in known) == []


@pytest.mark.parametrize("kind", HASHES)
def test_nothing_is_described_that_is_gone(kind: str) -> None:
    lua = "".join(lua.code for lua in [*SCRIPTS.values(), *INCLUDES.values()])
    python = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py") if not path.name.endswith("keys.py"))
    names = {
        name
        for name in documented(kind)
        if not re.search(rf"['\"]{name}", lua) and not re.search(rf"['\"]{name}", python)
    }
    assert names == set()


@pytest.mark.parametrize("name", METHODS)
def test_a_key_says_what_it_is_and_is_used(name: str) -> None:
    described = inspect.getdoc(METHODS[name]) or ""
    assert re.match("(String|Hash|Set|Sorted set|List|Stream|The same|Prefix of)", described)
    users = [path for path in ROOT.rglob("*.py") if not path.name.endswith("keys.py")]
    assert any(
        re.search(rf"\bkeys\b.*\.{name}\(|_keys\.{name}\(|Keys\.{name}\b", path.read_text("utf-8")) for path in users
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_key_says_how_long_it_lives(name: str) -> None:
    """Those of a campaign or a batch live as the module says; "No expiry" needs a reason."""
    described = " ".join((inspect.getdoc(METHODS[name]) or "").split())
    of_a_campaign = {"campaign_id", "batch_id"} & inspect.signature(METHODS[name]).parameters.keys()
    lives = r"\b[Ee]xpires (after|with|ten|five|two|`)|\bEmptied\.|No expiry: |No expiry, as `|The same"
    assert of_a_campaign or re.search(lives, described)
