"""Parts of the JSON Schema of jobs that many fields share. Pure.

Patterns mean the same in Python and in ECMA-262.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: A JSON Schema, or a part of one.
Shape = dict[str, Any]

#: JSON Schema does not check the spelling of a phone; planning does.
PHONE_SHAPE: Final[Mapping[str, Any]] = {"type": ["string", "integer"]}
WHEN_SHAPE: Final[Mapping[str, Any]] = {
    "title": "time such as 2040-05-01T10:00:00, with or without a zone",
    "type": "string",
    "pattern": r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
    r"( ?(Z|[+-][0-9]{2}:?[0-9]{2}))?\s*$",
}


def text_shape(most: int | None) -> Shape:
    """Text with at least one visible character, and at most `most` characters (None: no limit)."""
    shape: Shape = {"type": "string", "minLength": 1, "pattern": r"\S"}
    return shape if most is None else {**shape, "maxLength": most}


def link_shape(most: int) -> Shape:
    """A web address without credentials, of at most `most` characters."""
    return {
        "title": "http or https address without credentials",
        "type": "string",
        "maxLength": most,
        "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/@?#]+([/?#]\S*)?$",
    }


def in_any_case(*words: str) -> Shape:
    """Text that is one of the words, in upper or lower case."""
    return {"type": "string", "pattern": f"^({'|'.join(map(_any_case, words))})$"}


def _any_case(word: str) -> str:
    return "".join(f"[{one.upper()}{one.lower()}]" if one.isalpha() else one for one in word)


def having(*needed: str, without: Iterable[str] = (), **properties: Shape | bool) -> Shape:
    """An object that has the fields `needed` and none of `without`, and whose other fields have these shapes."""
    shape: Shape = {"required": list(needed)} if needed else {}
    found = properties | dict.fromkeys(without, False)
    return {**shape, "properties": found} if found else shape


def where(condition: Shape, then: Shape, otherwise: Shape | None = None) -> Shape:
    """A JSON Schema `if`, with its `then` and `else`."""
    return {"if": condition, "then": then, **({} if otherwise is None else {"else": otherwise})}
