"""The scripts that run inside Redis, one file per atomic operation.

A line `-- @include clock, event` names the files of `lua/include` whose functions a script calls. Each of those files
names in the same way what it calls itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r"^-- @include (.+)$", re.MULTILINE)


@cache
def script_text(name: str) -> str:
    """The script as the server gets it: every file that it includes, each once and after those that it needs itself."""
    folder = files("campaigns.store.lua")
    text = folder.joinpath(f"{name}.lua").read_text("utf-8")
    read = cache(lambda part: folder.joinpath("include", f"{part}.lua").read_text("utf-8"))
    return "".join([*map(read, included(text, read)), text])


def names_included(text: str) -> list[str]:
    """The files that a Lua text names itself, in its order."""
    return [part for line in _INCLUDE.findall(text) for part in line.split(", ")]


def included(text: str, read: Callable[[str], str]) -> Iterator[str]:
    """The names of all files that a Lua text needs: each once, and behind those that it needs itself.

    `read` returns the text of an include, and raises what it likes for one that does not exist. Raises ValueError where
    includes need each other.
    """
    done, under_way = set[str](), list[str]()

    def resolve(text: str) -> Iterator[str]:
        for part in names_included(text):
            if part in under_way:
                raise ValueError(f"{' -> '.join([*under_way, part])}: includes that need each other")
            if part not in done:
                under_way.append(part)
                yield from resolve(read(part))
                under_way.pop()
                done.add(part)
                yield part

    yield from resolve(text)
