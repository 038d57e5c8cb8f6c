"""The values that a JSON Schema allows, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from campaigns.jobs.schemas.json_parts import Shape

_LARGEST: Final = 2**63 - 1


def takes(shape: Shape) -> str:
    """The values that a schema allows, in words: its title, or else its type, with its limits."""
    if "anyOf" in shape:
        return _either(shape["anyOf"])
    if "const" in shape or "enum" in shape:
        return ", ".join(f"`{shown(value)}`" for value in shape.get("enum", [shape.get("const")]))
    kind = shape["type"]
    if isinstance(kind, list):
        return _either({"type": one} for one in kind)
    return f"{shape.get('title') or _plain(kind, shape)}{_length(shape)}"


def shown(value: object) -> str:
    """A value as JSON has it, but without quotation marks around words."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) and value.isdigit() else str(value)


def _either(shapes: Iterable[Shape]) -> str:
    # A text with a pattern is only another spelling of the shape before it.
    words = [takes(shape) for shape in shapes if set(shape) != {"type", "pattern"}]
    return (", or " if any(", " in one for one in words) else " or ").join(words)


def _plain(kind: str, shape: Shape) -> str:
    match kind:
        case "integer":
            return f"whole number{_between(shape)}"
        case "number":
            return f"number above {shape['exclusiveMinimum']}"
        case "string":
            return "text"
        case "array":
            return "list, not empty"
        case "object":
            names = ", ".join(f"`{name}`" for name in shape.get("properties", ()))
            return f"object of {names or 'any names'}"
        case _:
            return kind


def _between(shape: Shape) -> str:
    if "minimum" not in shape:
        return ""
    top = f" to {shape['maximum']}" if shape["maximum"] != _LARGEST else " on"
    return f" from {shape['minimum']}{top}"


def _length(shape: Shape) -> str:
    if "maxItems" in shape:
        return f", at most {shape['maxItems']:,}"
    return f", at most {shape['maxLength']:,} characters" if "maxLength" in shape else ""
