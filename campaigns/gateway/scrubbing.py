"""Takes our token out of what the gateway says, should it echo it, however it is written there. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from urllib.parse import quote, quote_plus

import orjson

from campaigns.settings import Secret

#: Fewer characters say nothing, and would be found everywhere.
_SHORTEST = 4


def scrubbed(body: bytes, token: Secret) -> bytes:
    """`body` with `***` in the token's place: as it is, or escaped as JSON, a URL or HTML, by any library's rules."""
    if len(token.reveal()) < _SHORTEST or _core(token) not in body:
        return body
    return _spelled(token).sub(b"***", body)


@lru_cache(16)
def _core(token: Secret) -> bytes:
    """The longest part that every spelling leaves alone: answers of megabytes are searched for this alone."""
    parts: list[str] = re.findall(r"[A-Za-z0-9]*", token.reveal())
    return max(parts, key=len).encode()


@lru_cache(16)
def _spelled(token: Secret) -> re.Pattern[bytes]:
    return re.compile(b"".join(map(_character, token.reveal())))


def _character(character: str) -> bytes:
    """A pattern for one character, in any spelling. PHP escapes slashes, and writes what is not ASCII as \\u00fc."""
    plain = character.encode()
    if character.isascii() and character.isalnum():
        return plain
    units = character.encode("utf-16-be")
    numbers = (b"\\u" + units[i : i + 2].hex().encode() for i in range(0, len(units), 2))
    spellings = {
        plain,
        b"\\" + plain,
        orjson.dumps(character)[1:-1],
        b"".join(numbers),
        quote(character, safe="").encode(),
        quote_plus(character, safe="").encode(),
        escape(character).encode(),
        b"&#%d;" % ord(character),
        b"&#0%d;" % ord(character),
    }
    longest_first = sorted(spellings, key=len, reverse=True)
    return b"(?i:" + b"|".join(map(re.escape, longest_first)) + b")"
