"""Templates: texts and links with places such as `{name}` or `{name|friend}` that each recipient's values fill. Pure.

A name is anything between braces that is not empty, also with spaces, such as `{Имя клиента}`. After a bar stands
what fills the place where a recipient has nothing: `{name|friend}`, or `{name|}` for nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote

#: The longest template. What it may be once it is filled is a setting.
TEMPLATE_LENGTH: Final = 10_000
#: A place as Python and ECMA-262 both understand it.
PLACE_PATTERN: Final = r"\{\s*[^\s{}|][^{}]*\}"
_PLACE: Final = re.compile(
    r"\{\s*(?P<name>[^\s{}|](?:[^{}|\r\n]{0,98}[^\s{}|])?)\s*(?:\|(?P<default>[^{}\r\n]{0,500}))?\}"
)
_NO_VALUES: Final[Mapping[str, Any]] = {}


class UnfilledError(Exception):
    """A recipient has nothing for some places; the message names them."""


class Place(NamedTuple):
    """Where a value goes: its name, what stands there without one (None: it must have one), and whether it is
    written as part of an address."""

    name: str
    default: str | None
    encoded: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A text between places: `pieces` has one element more than `places`."""

    pieces: tuple[str, ...]
    places: tuple[Place, ...]

    @classmethod
    def of_text(cls, text: str, *, literal: bool = False) -> Template:
        """The template of a text. With `literal` braces mean nothing but themselves."""
        return cls((text,), ()) if literal else _divided(text, link=False)

    @classmethod
    def of_link(cls, link: str, *, literal: bool = False) -> Template:
        """The same for an address. A place that it begins with holds an address itself; what fills any other is
        percent-encoded."""
        return cls((link,), ()) if literal else _divided(link, link=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its places, each once."""
        return tuple(dict.fromkeys(place.name for place in self.places))

    def filled(self, values: Mapping[str, Any] | None) -> str:
        """The text with the values in their places, without the spaces around them. Raises UnfilledError."""
        values = values or _NO_VALUES
        found = [self.pieces[0]]
        for (name, default, encoded), piece in zip(self.places, self.pieces[1:], strict=True):
            value = values.get(name)
            text = value.strip() if type(value) is str else _written(value)
            if not text:
                if default is None:
                    raise UnfilledError(f"has no value for {self._unfilled(values)}")
                text = default
            found.append(quote(text, safe="") if encoded else text)
            found.append(piece)
        return "".join(found)

    def _unfilled(self, values: Mapping[str, Any]) -> str:
        needed = {place.name for place in self.places if place.default is None}
        return ", ".join(f"{{{name}}}" for name in self.names if name in needed and not _written(values.get(name)))


def template_problem(text: str) -> str | None:
    """What is wrong with the braces of a template, if anything."""
    if "{{" in text or "}}" in text:
        return "holds double braces: write {name} with single ones"
    return None


def _divided(text: str, *, link: bool) -> Template:
    pieces, places, end = list[str](), list[Place](), 0
    for match in _PLACE.finditer(text):
        default = match["default"]
        encoded = link and match.start() > 0
        places.append(Place(match["name"], default.strip() if default is not None else None, encoded))
        pieces.append(text[end : match.start()])
        end = match.end()
    return Template((*pieces, text[end:]), tuple(places))


def _written(value: object) -> str:
    """A value as text; empty for what is neither a text nor a number."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
