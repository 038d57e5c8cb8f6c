"""What can be read of the Lua scripts without running them: which names a text defines and uses, and what its header says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import campaigns
from campaigns.store.lua import included, names_included

FOLDER = Path(campaigns.__file__).parent / "store" / "lua"


@dataclass(frozen=True)
class Lua:
    """One file: a script, or an include."""

    name: str
    text: str

    @cached_property
    def header(self) -> str:
        """The comment at its beginning, without the marks of comments."""
        lines = self.text.splitlines()
        end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
        return "\n".join(line[2:].strip() for line in lines[:end])

    def said(self, word: str) -> str:
        """What the header says under `Emits:` or the like, up to the next such word; empty if it says nothing."""
        found = re.search(rf"^{word}: (.*?)(?=^[A-Z]\w+: |^@include|\Z)", self.header, re.MULTILINE | re.DOTALL)
        return " ".join(found[1].split()) if found else ""

    @cached_property
    def code(self) -> str:
        """Without comments."""
        return re.sub(r"--[^\n]*", "", self.text)

    @cached_property
    def words(self) -> set[str]:
        """Every name that the code uses, but fields of tables."""
        return _words(self.code)

    @cached_property
    def parts(self) -> dict[str, str]:
        """Code by the name that it defines at the top level. What defines none stands under ''."""
        parts, name = {"": ""}, ""
        for line in self.code.splitlines():
            function = re.match(r"local function (\w+)", line)
            values = re.match(r"local ([\w, ]+?)(?: =.*)?$", line)
            if function:
                name = function[1]
            elif values:
                name = ""
                parts |= {value.strip(): line for value in values[1].split(",")}
            parts[name] = parts.get(name, "") + line + "\n"
            if line == "end" or (function and line.endswith(" end")):
                name = ""
        return parts

    @cached_property
    def defined(self) -> set[str]:
        """The names that it defines at the top level."""
        return set(self.parts) - {""}

    @cached_property
    def inner(self) -> set[str]:
        """The names of its parameters and of what it defines inside functions, loops and branches."""
        lists = re.findall(r"^ +local (?:function )?([\w, ]+)", self.code, re.MULTILINE)
        lists += re.findall(r"function[^(]*\(([\w, ]*)\)", self.code)
        lists += re.findall(r"\bfor ([\w, ]+?) (?:in|=)", self.code)
        return {name.strip() for found in lists for name in found.split(",")}


def _words(code: str) -> set[str]:
    return set(re.findall(r"(?<![\w.:])[A-Za-z_]\w*", re.sub(r"'[^'\n]*'", "''", code)))


def read(path: Path) -> Lua:
    return Lua(path.stem, path.read_text("utf-8"))


SCRIPTS = {path.stem: read(path) for path in sorted(FOLDER.glob("*.lua"))}
INCLUDES = {path.stem: read(path) for path in sorted((FOLDER / "include").glob("*.lua"))}
#: Which include defines a name.
OWNERS = {name: lua.name for lua in INCLUDES.values() for name in lua.defined}


def all_included(lua: Lua) -> list[str]:
    """The names of all includes of a file, its own and theirs."""
    return list(included(lua.text, lambda part: INCLUDES[part].text))


def carried_out(script: Lua) -> Iterator[str]:
    """The code of a script, and of each function of an include that it may call."""
    yield script.code
    seen, waiting = set[str](), script.words & set(OWNERS)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        code = INCLUDES[OWNERS[name]].parts[name]
        yield code
        waiting |= _words(code) & set(OWNERS) - seen


def arguments_of(function: str, code: str) -> Iterator[list[str]]:
    """What each call of a function in some code is given, as it stands there."""
    for call in re.finditer(rf"(?<!function )\b{function}\(", code):
        depth, quoted, arguments = 1, False, [""]
        for letter in code[call.end() :]:
            quoted ^= letter == "'"
            depth += 0 if quoted else (letter in "({") - (letter in ")}")
            if not depth:
                break
            if letter == "," and depth == 1 and not quoted:
                arguments.append("")
            else:
                arguments[-1] += letter
        yield [argument.strip() for argument in arguments]


def hash_commands(code: str) -> Iterator[list[str]]:
    """Each command on fields of a hash, its name as the server has it: by `redis.call`, or by a function that reads and
    writes a held hash in its place."""
    yield from (rest for rest in arguments_of(r"redis\.call", code) if re.match("'H[A-Z]+'", rest[0]))
    for name in ("hget", "hmget", "hset", "hincrby", "hdel"):
        yield from ([f"'{name.upper()}'", *rest] for rest in arguments_of(name, code))


__all__ = [
    "FOLDER",
    "INCLUDES",
    "OWNERS",
    "SCRIPTS",
    "Lua",
    "all_included",
    "arguments_of",
    "carried_out",
    "hash_commands",
    "names_included",
]
