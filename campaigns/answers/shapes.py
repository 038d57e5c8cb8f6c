"""How a PHP framework writes a number, a text, a list and a yes as JSON. Pure.

null, "" and absent mean the same there, and often `false` and `[]` too; a list that lost an element is written as an
object with numbered keys.
"""

from __future__ import annotations

import re
from typing import Any, Final

_YES: Final = frozenset({"ok", "success", "true", "1"})
_NO: Final = frozenset({"error", "fail", "failed", "failure", "false", "0", "no", "nok"})
_NOTHING: Final = frozenset({"", "0", "false", "null", "none"})
_LARGEST_FLOAT: Final = 2.0**53


def number_of(value: Any) -> int | None:
    """An id or a count, from a number or its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", text := value.strip()):
        return int(text)
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_FLOAT:
        return int(value)
    return None


def text_of(value: Any) -> str | None:
    """A text; "" for nothing; a number as its digits, true as 1, as PHP writes them. None for anything else."""
    if isinstance(value, str):
        return value
    if value is None or value is False or value == []:
        return ""
    if value is True:
        return "1"
    return str(value) if isinstance(value, (int, float)) else None


def list_of(value: Any) -> list[Any]:
    """The elements of a list, in the order of their keys if it is an object with numbered keys.

    Another object, or any other value, counts as the only element: the reader of the elements finds that it cannot be
    understood, and counts it.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and all(isinstance(key, str) and re.fullmatch("[0-9]{1,18}", key) for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return [] if is_nothing(value) else [value]


def is_nothing(value: Any) -> bool:
    """Whether a field means the same as an absent one, as `false` and `0` do where an error would stand."""
    if isinstance(value, str):
        return value.strip().casefold() in _NOTHING
    return value is None or value is False or (isinstance(value, (int, float, list, dict)) and not value)


def says_yes(value: Any) -> bool:
    """Whether `success` or `status` says that all is well: OK in any case, true, 1."""
    return (text_of(value) or "").strip().casefold() in _YES


def says_no(value: Any) -> bool:
    """Whether `success` or `status` says outright that something failed: `error` in any case, false, 0."""
    if value is False:
        return True
    return (text_of(value) or "").strip().casefold() in _NO
