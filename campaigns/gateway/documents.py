"""JSON as the gateway writes it: read strictly first, which is fast, then as tolerantly as the meaning allows.

Python's fast parser refuses a whole document for one half of an emoji (`"\\ud83d"`), for one byte that is not UTF-8
and for a byte order mark. PHP writes all three when it cuts or copies texts, so the answer of a thousand people
must not depend on one of them: what cannot be shown becomes U+FFFD, and everything else stays.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Final

import orjson

#: What stands for something that could not be read.
REPLACEMENT: Final = "\ufffd"
_HALF: Final = re.compile("[\ud800-\udfff]")
_MOST_DIGITS: Final = 19


class NotJsonError(Exception):
    """An answer is not JSON: a page of HTML, nothing at all, or cut off."""


def read_document(body: bytes) -> Any:
    """The JSON document of an answer. Raises NotJsonError.

    A document that ends early is never completed: the rest of its meaning is unknown.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace")
    try:
        return _whole(
            json.loads(
                text, strict=False, parse_int=_integer, parse_constant=_nothing, object_pairs_hook=_whole_members
            )
        )
    except (ValueError, RecursionError):
        raise NotJsonError from None


def _integer(digits: str) -> int | float:
    # Like the fast parser. Python refuses to read thousands of digits as a whole number.
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _nothing(_constant: str) -> None:
    """NaN and Infinity, which are no JSON."""


def _whole_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {_whole(name): _whole(value) for name, value in pairs}


def _whole(value: Any) -> Any:
    """A text, or the texts of a list, without halves of characters. Objects inside were mended when they were read."""
    if isinstance(value, str):
        return _HALF.sub(REPLACEMENT, value)
    return [_whole(inner) for inner in value] if isinstance(value, list) else value
