"""Templates: texts and links with places such as `{name}` or `{name|friend}` that each recipient's values fill. Pure.

A name may be any non-empty text between braces, even with spaces, such as `{Имя клиента}`. The text after a bar is the
default for recipients without a value: `{name|friend}`, or `{name|}` for an empty default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from campaigns.text.wellformed import BRACE_ALONE

#: The longest template, in characters. A setting limits the filled text.
TEMPLATE_LENGTH: Final = 10_000
#: A regular expression for a place that Python and ECMA-262 both understand.
PLACE_PATTERN: Final = r"\{\s*[^\s{}|][^{}]*\}"
_PLACE: Final = re.compile(
    r"\{\s*(?P<name>[^\s{}|](?:[^{}|\r\n]{0,98}[^\s{}|])?)\s*(?:\|(?P<default>[^{}\r\n]{0,500}))?\}"
)
_NO_VALUES: Final[Mapping[str, Any]] = {}
#: How a spreadsheet writes a cell that has no result: an error in English or Russian, a number in too narrow a column,
#: or a formula that was never calculated.
_NO_RESULT: Final = frozenset("#=")
_FAILED_CELL: Final = re.compile(
    r"#(?:N/A|Н/Д|[A-ZА-ЯЁ/0]{3,12}[!?]|GETTING_DATA|#+)|=[A-ZА-ЯЁ][A-ZА-ЯЁ0-9._]*\(.*", re.DOTALL
)


class UnfilledError(Exception):
    """A recipient has no value for some places; the message names them."""


class Place(NamedTuple):
    """A place for a value: the value's name, the default (None: a value is required), and whether the value is
    percent-encoded as part of an address."""

    name: str
    default: str | None
    encoded: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places. `pieces` are the texts around the places, so one more than `places`."""

    pieces: tuple[str, ...]
    places: tuple[Place, ...]

    @classmethod
    def of_text(cls, text: str, *, literal: bool = False) -> Template:
        """The template of a text. With `literal`, braces are ordinary characters."""
        return cls((text,), ()) if literal else _divided(text, link=False)

    @classmethod
    def of_link(cls, link: str, *, literal: bool = False) -> Template:
        """The template of an address. A place at its beginning takes an address; values of other places are
        percent-encoded."""
        return cls((link,), ()) if literal else _divided(link, link=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the places, each once."""
        return tuple(dict.fromkeys(place.name for place in self.places))

    def filled(self, values: Mapping[str, Any] | None) -> str:
        """The text with stripped values in the places. Raises UnfilledError if a required value is missing."""
        values = values or _NO_VALUES
        found = [self.pieces[0]]
        for (name, default, encoded), piece in zip(self.places, self.pieces[1:], strict=True):
            value = values.get(name)
            text = value.strip() if type(value) is str else _written(value)
            if text[:1] in _NO_RESULT and _FAILED_CELL.fullmatch(text):
                raise UnfilledError(f"{text[:60]} for {{{name}}} is what a spreadsheet shows in place of a value")
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
    """The mistake in the braces of a template, or None."""
    if "{{" in text or "}}" in text:
        return "holds double braces: write {name} with single ones"
    rest = _PLACE.sub("", text)
    return next((f"holds {one} {BRACE_ALONE}" for one in "{}" if one in rest), None)


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
    """A value as text; '' for a value that is neither text nor a number."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
