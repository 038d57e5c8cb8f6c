"""The scripts say what they are made of: their includes, their keys and the events that they emit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from campaigns.store.lua import included, script_text
from tests.support.lua import (
    FOLDER,
    INCLUDES,
    OWNERS,
    SCRIPTS,
    Lua,
    all_included,
    arguments_of,
    carried_out,
    names_included,
)

FILES = [*SCRIPTS.values(), *INCLUDES.values()]
_TYPES = set(json.loads((FOLDER.parent.parent / "events" / "events.schema.json").read_text("utf-8"))["$defs"])

every_file = pytest.mark.parametrize("lua", FILES, ids=lambda lua: lua.name)
every_script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=lambda script: script.name)


class TestLoader:
    """Includes come first, in the order in which they need each other."""

    PARTS = {
        "a": "-- @include b, c\n",
        "b": "-- @include c\n",
        "c": "local c\n",
        "x": "-- @include y\n",
        "y": "-- @include x\n",
    }

    def included(self, text: str) -> list[str]:
        return list(included(text, self.PARTS.__getitem__))

    def test_each_once_and_behind_what_it_needs(self) -> None:
        assert self.included("-- @include a, c\n-- @include b\n") == ["c", "b", "a"]

    def test_nothing_else_is_an_include(self) -> None:
        assert self.included("-- see @include a\nlocal a = 1 -- @include b\n") == []

    def test_an_unknown_one(self) -> None:
        with pytest.raises(KeyError, match="nowhere"):
            self.included("-- @include nowhere\n")

    def test_those_that_need_each_other(self) -> None:
        with pytest.raises(ValueError, match="x -> y -> x"):
            self.included("-- @include x\n")

    def test_a_script_comes_last(self) -> None:
        text = script_text("check_primary")
        assert text.endswith(SCRIPTS["check_primary"].text)
        places = [text.index(INCLUDES[name].text) for name in all_included(SCRIPTS["check_primary"])]
        assert places == sorted(places)


def test_no_name_has_two_meanings() -> None:
    """Else a parameter could hide a function of an include."""
    assert len(OWNERS) == sum(len(lua.defined) for lua in INCLUDES.values())
    assert [(lua.name, name) for lua in FILES for name in lua.inner & set(OWNERS)] == []
    assert [(lua.name, name) for lua in SCRIPTS.values() for name in lua.defined & set(OWNERS)] == []


@every_file
def test_a_file_includes_what_it_uses_and_nothing_else(lua: Lua) -> None:
    used = {OWNERS[name] for name in lua.words & set(OWNERS)} - {lua.name}
    if lua.name in SCRIPTS and "head" not in {part for name in used for part in all_included(INCLUDES[name])}:
        used.add("head")
    assert len(names_included(lua.text)) == len(set(names_included(lua.text)))
    assert set(names_included(lua.text)) == used


@every_script
def test_a_script_takes_the_head_off_its_keys(script: Lua) -> None:
    assert "head" in all_included(script)


@every_file
def test_keys_are_bound_to_names_at_the_top(lua: Lua) -> None:
    if lua.name == "head":
        return
    lines = [line for line in lua.code.splitlines() if line]
    first = next((number for number, line in enumerate(lines) if not re.search("KEYS|keys_from", line)), 0)
    assert not re.search("KEYS|keys_from", "\n".join(lines[first:]))
    assert all(line.startswith("local ") for line in lines[:first])


@every_script
def test_each_key_of_the_header_has_a_name(script: Lua) -> None:
    numbers = [int(number) for number in re.findall(r"(?:^|[,:;] )(\d+)(?:\.\.)? ", script.said("KEYS"))]
    bound = {
        int(number)
        for number in re.findall(r"KEYS\[(\d+)\]|keys_from\((\d+)\)", script.code)
        for number in number
        if number
    }
    assert bound == set(numbers)


def types(script: Lua) -> Iterator[str]:
    """The types of the events that a script may emit; those that are put together at run time as a pattern."""
    for code in carried_out(script):
        for arguments in arguments_of("emit", code):
            kind = arguments[3]
            if kind == "kind":
                (kind,) = re.findall(r"local kind = (.*)", code)
            whole = re.findall(r"'(\w+\.\w+)'", kind)
            yield from whole or [re.sub(r"'(\w+\.)' \.\. \w+|.*", lambda found: (found[1] or "") + ".+", kind, count=1)]


@every_script
def test_the_header_names_the_events(script: Lua) -> None:
    emitted, said = set(types(script)), set(re.findall(r"\w+\.\w+", script.said("Emits")))
    assert said <= _TYPES
    assert [kind for kind in emitted if not any(re.fullmatch(kind, one) for one in said)] == []
    assert [one for one in said if not any(re.fullmatch(kind, one) for kind in emitted)] == []


def test_every_event_is_emitted_by_a_script() -> None:
    assert {kind for script in SCRIPTS.values() for kind in re.findall(r"\w+\.\w+", script.said("Emits"))} == _TYPES


@every_file
def test_lines_are_short(lua: Lua) -> None:
    assert max(map(len, lua.text.splitlines())) <= 120


@every_script
def test_held_counters_are_written(script: Lua) -> None:
    """A script that holds its counters back does not return before they are written."""
    _, *held = re.split(r"^hold_tallies\(\)$", script.code, flags=re.MULTILINE)
    for code in held:
        until, *after = re.split(r"^write_tallies\(\)$", code, flags=re.MULTILINE)
        assert len(after) == 1
        assert not re.search(r"^(?:return|if .*\breturn)\b", until, re.MULTILINE)
        assert not re.search(r"\b(?:tally|emit|count_move)\(", after[0])
    assert ("hold_tallies" in script.words) == bool(held)
