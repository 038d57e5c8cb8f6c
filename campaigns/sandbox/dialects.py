"""Dialects: other forms of the documented answers, with the same meaning. Pure.

A dialect is a set of traits. Its name is `documented`, a trait's own name, `framework`, or several joined by `+`,
as in `trimming+plus`. Answers are built as documented and then translated field by field. Only `trimming` and
the traits of the listing act earlier: on received parameters, and on the choice of listed mailings.

Requests need no dialect: whatever it is, each parameter is read from query, form or JSON body alike, PHP's
brackets (`messages[0][name]=...`) included, and the methods of v2 that sell messages answer under /api/v1/ too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Final

#: The name of the dialect without any trait.
DOCUMENTED: Final = "documented"
#: Characters that `shortening` leaves of a mailing's name.
NAME_LENGTH: Final = 20
#: Mailings that `capping` lists at most, whatever `limit_rows` says.
LISTED_AT_MOST: Final = 10
#: Seconds of the wall clock by which `lagging` is late, unless the option `listing_delay_s` says more.
LAG_S: Final = 2.0


class Trait(Enum):
    """One peculiarity, with its name and its sentence."""

    TRIMMING = "trimming", "trims every text that it receives, and answers null where a text is empty"
    SHORTENING = "shortening", f"keeps {NAME_LENGTH} characters of a mailing's name"
    QUESTIONING = "questioning", "answers ? for characters beyond the basic plane, such as emoji, in names and texts"
    ESCAPING = "escaping", "answers names and texts escaped for HTML"
    PLUS = "plus", "writes phones with a plus"
    NUMBERS = "numbers", "writes numbers as text, and phones and ids that are text as numbers"
    OBJECTS = "objects", "writes lists as objects with numbered keys, with gaps"
    LOWERCASE = "lowercase", "writes statuses and kinds of messages in lower case"
    BOM = "bom", "puts a byte order mark before the JSON"
    LAGGING = "lagging", f"lists a mailing only {LAG_S:g} seconds after it was made, or after listing_delay_s"
    HIDING = "hiding", "lists only mailings to lists: neither bulk mailings nor single messages"
    CAPPING = "capping", f"lists {LISTED_AT_MOST} mailings at a time, however many are asked for"
    MASKING = "masking", "masks phones in getViberDeliveryList: 37529***0001"

    def __init__(self, word: str, sentence: str) -> None:
        self.word = word
        self.sentence = sentence


Traits = frozenset[Trait]

#: Every dialect that has a name of its own.
DIALECTS: Final[Mapping[str, Traits]] = {
    DOCUMENTED: frozenset(),
    **{trait.word: frozenset({trait}) for trait in Trait},
    "framework": frozenset(
        {Trait.TRIMMING, Trait.SHORTENING, Trait.PLUS, Trait.NUMBERS, Trait.OBJECTS, Trait.LOWERCASE, Trait.BOM}
    ),
}

_ENVELOPE: Final = ("status", "success", "uuid")
_MASKED: Final = "getViberDeliveryList"
_TEXTS: Final = frozenset({"name", "message", "button_caption", "errors"})
_WORDS: Final = frozenset({"status", "message_type"})
_IDS: Final = frozenset({"id", "alphaname_id"})
_BEYOND: Final = re.compile(r"[\U00010000-\U0010ffff]")
#: White space by the framework's rules: Python's, and invisible characters.
_AROUND: Final = re.compile(r"^[\s\ufeff\u200b\u200e]+|[\s\ufeff\u200b\u200e]+$")


def sentences() -> dict[str, str]:
    """A sentence about each dialect, by its name."""
    return {
        DOCUMENTED: "answers as its documents show",
        **{trait.word: trait.sentence for trait in Trait},
        "framework": " + ".join(trait.word for trait in Trait if trait in DIALECTS["framework"]),
    }


@lru_cache(maxsize=64)
def traits_of(name: str) -> Traits:
    """The traits of a dialect, or of several joined by `+`. Raises ValueError, which lists those there are."""
    traits: Traits = frozenset()
    for part in name.split("+"):
        known = DIALECTS.get(part.strip().lower())
        if known is None:
            raise ValueError(f"no dialect {part.strip()!r}; there are {', '.join(DIALECTS)}")
        traits |= known
    return traits


def received(value: Any, traits: Traits) -> Any:
    """A parameter, as this gateway reads it."""
    if Trait.TRIMMING not in traits:
        return value
    if isinstance(value, dict):
        return {name: received(inner, traits) for name, inner in value.items()}
    if isinstance(value, list):
        return [received(inner, traits) for inner in value]
    return (_AROUND.sub("", value) or None) if isinstance(value, str) else value


def kept_name(name: str, traits: Traits) -> str:
    """A mailing's name, as this gateway stores it."""
    return name[:NAME_LENGTH] if Trait.SHORTENING in traits else name


def in_dialect(method: str, answer: Any, traits: Traits) -> Any:
    """The documented answer of a method, as this gateway writes it."""
    if not traits:
        return answer
    translated = _translated(method, "", answer, traits)
    if isinstance(answer, dict):
        # The fields that tell success from failure are the same in every dialect.
        translated |= {name: answer[name] for name in _ENVELOPE if name in answer}
    return translated


def encoded(body: bytes, traits: Traits) -> bytes:
    """The bytes of an answer."""
    return b"\xef\xbb\xbf" + body if Trait.BOM in traits else body


def _translated(method: str, name: str, value: Any, traits: Traits) -> Any:
    if isinstance(value, dict):
        return {inner: _translated(method, inner, found, traits) for inner, found in value.items()}
    if isinstance(value, list):
        rows = [_translated(method, name, found, traits) for found in value]
        return _numbered(rows) if Trait.OBJECTS in traits and rows else rows
    if isinstance(value, str):
        return _text(method, name, value, traits)
    return str(value) if Trait.NUMBERS in traits and type(value) is int else value


def _numbered(rows: list[Any]) -> dict[str, Any]:
    """An object as PHP writes for an array with a gap: keys 0, 2, 3."""
    return {str(place + (place > 0)): row for place, row in enumerate(rows)}


def _text(method: str, name: str, text: str, traits: Traits) -> Any:
    if not text:
        return None if Trait.TRIMMING in traits else text
    if name == "phone":
        return _phone(method, text, traits)
    if name in _IDS and Trait.NUMBERS in traits and text.isdigit():
        return int(text)
    for trait, names, change in _CHANGES:
        if trait in traits and name in names:
            text = change(text)
    return text


def _phone(method: str, phone: str, traits: Traits) -> Any:
    if Trait.MASKING in traits and method == _MASKED:
        return f"{phone[:5]}***{phone[-4:]}"
    if Trait.PLUS in traits:
        return f"+{phone}"
    return int(phone) if Trait.NUMBERS in traits else phone


_CHANGES: Final[tuple[tuple[Trait, frozenset[str], Callable[[str], str]], ...]] = (
    (Trait.LOWERCASE, _WORDS, str.lower),
    (Trait.QUESTIONING, _TEXTS, lambda text: _BEYOND.sub("?", text)),
    (Trait.ESCAPING, _TEXTS, html.escape),
)
