"""The scripts that run inside Redis, one file per atomic operation."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r"^-- @include (\w+)$", re.MULTILINE)


@cache
def script_text(name: str) -> str:
    """The text of a script, with the prelude that all share and the files of `lua/include` that it names."""
    folder = files("campaigns.store.lua")
    text = folder.joinpath(f"{name}.lua").read_text("utf-8")
    included = [folder.joinpath("include", f"{part}.lua").read_text("utf-8") for part in _INCLUDE.findall(text)]
    return "".join([folder.joinpath("prelude.lua").read_text("utf-8"), *included, text])
