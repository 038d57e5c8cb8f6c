"""HTML and SVG in which text is always escaped, unless it is markup already. Pure."""

from __future__ import annotations

from typing import Final

from campaigns.text.harmless import harmless_lines

_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_VOID: Final = frozenset({"meta", "br", "input"})


class Markup(str):
    """Text that is HTML already. Only `element`, `joined` and what is written in this room may make it."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    """Text for an element or an attribute; what is markup already stays as it is."""
    if isinstance(text, Markup):
        return text
    return Markup(harmless_lines(str(text)).translate(_ESCAPES))


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. `class_` is the attribute `class`, `view_box` the attribute `viewBox`; None leaves one out.

    An underscore within a name becomes a hyphen.
    """
    written = "".join(
        f' {_attribute(key)}="{escaped(value)}"' for key, value in attributes.items() if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: object) -> Markup:
    """The children, one after the other, without those that are None."""
    return Markup("".join(escaped(child) for child in children if child is not None))


def foreign(text: str, most: int = 500) -> Markup:
    """Foreign text, at most `most` characters of it. It cannot turn the text around it (<bdi>)."""
    return element("bdi", text if len(text) <= most else text[: most - 1] + "…")


def _attribute(key: str) -> str:
    return {"view_box": "viewBox", "preserve_aspect_ratio": "preserveAspectRatio"}.get(
        key, key.rstrip("_").replace("_", "-")
    )
