"""Foreign text with control and invisible characters escaped, for terminals, pages, tables and logs. Pure.

Replies, campaign names, the gateway's words, keys and error trees come from others. In them an escape sequence would
control the terminal, an override of the writing direction would make a line read differently, a line break would
start a forged line, and half a surrogate pair could not be encoded.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, is_dataclass
from typing import Any, Final

import orjson

#: Symbols that a zero-width joiner may join, as in the emoji of a family. Such a joiner is kept.
_SYMBOLS: Final = "\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
#: C0 and C1 controls, separators of lines, invisible characters, marks and overrides of direction, halves of
#: surrogate pairs, tags, and what is no character. Variation selectors stay: without them an emoji loses its colour.
_ACTING: Final = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_JOINER: Final = f"(?<![{_SYMBOLS}\ufe0f\U0001f3fb-\U0001f3ff])\u200d|\u200d(?![{_SYMBOLS}])"
UNSAFE: Final = re.compile(f"[{_ACTING}]|{_JOINER}")
#: The same without tabs and line breaks, which a page or a file may hold.
_UNSAFE_BUT_SPACES: Final = re.compile(f"(?![\t\n\r])(?:{UNSAFE.pattern})")
_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def harmless(text: str) -> str:
    r"""The text as one line, with unsafe characters and line breaks escaped: `\x1b`, `\u202e`, `\n`."""
    return UNSAFE.sub(lambda match: visible(match[0]), text)


def harmless_lines(text: str) -> str:
    """The same for text of several lines: tabs and line breaks are kept."""
    return _UNSAFE_BUT_SPACES.sub(lambda match: visible(match[0]), text)


def visible(character: str) -> str:
    r"""A character as Python writes it: `\x1b`, `\u202e`, `\U000e0041`."""
    code = ord(character)
    if short := _SHORT.get(character):
        return short
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_line(value: Any) -> str:
    r"""A value as one line of JSON, without a line break at its end.

    Unsafe characters are escaped as JSON escapes them (`\u202e`), so that no information is lost. Half a surrogate
    pair and numbers of more than 64 bits, which the fast encoder refuses, are written as well. Dates are ISO 8601,
    other values text.
    """
    try:
        text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        text = json.dumps(value, default=_plain, ensure_ascii=False)
    if text.isascii() and text.isprintable():
        return text  # most are, and the search takes longer than all else here
    return UNSAFE.sub(lambda match: _json_escape(match[0]), text)


def ascii_json(text: str) -> str:
    """The same JSON value in ASCII characters only."""
    return text if text.isascii() else _BEYOND_ASCII.sub(lambda match: _json_escape(match[0]), text)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _json_escape(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
