"""Values that JSON, Redis or the gateway cannot carry, and texts and links that recipients could not use. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

#: Deeper than any field of a job.
_DEPTH_MOST: Final = 32
_INTEGER_MOST: Final = 2**63
#: Topics are part of the names of keys, and people type them.
TOPIC_PATTERN: Final = r"[A-Za-z0-9_-]{1,40}"
#: Longer than any order number or uuid, and short enough for the name of a Redis key.
KEY_LENGTH: Final = 255
#: A `traceparent` has 55 characters, two uuids 73.
CORRELATION_LENGTH: Final = 128
_LINK: Final = re.compile(r"https?://[^\s/@?#]+(?:[/?#]\S*)?", re.IGNORECASE)
#: Characters of visible categories that are blank: Hangul fillers, the empty Braille pattern.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Zl", "Zp", "Zs"})
#: What is wrong with a brace of a place that was not written to its end.
BRACE_ALONE: Final = "without its other brace; if it is meant as it stands, give the job literal_text: true"
#: Such braces in a text without places: `{name, you` and `name}, you`, but no :-} and no {}.
_OPENED: Final = re.compile(r"\{\s{0,3}[^\W\d][^{}]*(?:\{|\Z)")
_CLOSED: Final = re.compile(r"\A[^{}]*\w\s{0,3}\}")
#: Placeholders for a name, a sum or a date, in the notations of common templates.
_PLACEHOLDER: Final = re.compile(r"\{\{?\s{0,3}[^\W\d]\w{0,39}\s{0,3}\}?\}")


def text_problem(text: str) -> str | None:
    """Why a text cannot be carried, if it cannot."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return f"holds half a character at place {error.start + 1:,}, as of an emoji that was cut in two"
    return "holds a NUL character" if "\0" in text else None


def key_problem(key: object) -> str | None:
    """Why something cannot be the key of a job, if it cannot: it must be text or a whole number."""
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        return "must be text or a whole number"
    if isinstance(key, int):
        return "is too large a number" if abs(key) >= _INTEGER_MOST else None
    if not key.strip():
        return "must not be empty"
    return f"longer than {KEY_LENGTH} characters" if len(key) > KEY_LENGTH else text_problem(key)


def correlation_problem(value: object) -> str | None:
    """Why something cannot be the correlation id of a job, if it cannot: it stands in log lines and events."""
    if not isinstance(value, str):
        return "must be text"
    if len(value) > CORRELATION_LENGTH:
        return f"longer than {CORRELATION_LENGTH} characters"
    if not visible(value):
        return "must not be empty"
    return None if value.isprintable() else "holds a control character or another invisible one"


def topic_problem(value: object) -> str | None:
    """Why something cannot be the topic of a job, if it cannot."""
    fits = isinstance(value, str) and re.fullmatch(TOPIC_PATTERN, value)
    return None if fits else "must be 1 to 40 Latin letters, digits, - and _"


def visible(text: str) -> bool:
    """Whether the text has a visible character: zero-width characters, fillers and spaces are not visible."""
    return any(unicodedata.category(one) not in _UNSEEN and one not in _BLANK for one in text)


def placeholder_in(text: str) -> str | None:
    """The first `{name}` or `{{ name }}` of a text, which nothing here fills; None if there is none."""
    match = _PLACEHOLDER.search(text)
    return match[0] if match else None


@dataclass(frozen=True, slots=True)
class TextRule:
    """The rule of a text for recipients: at most `most` characters, and no `{name}` unless it is `literal`."""

    most: int
    literal: bool = False

    def problem(self, text: str) -> str | None:
        """What is wrong with the text, if anything."""
        if len(text) > self.most:
            return f"longer than {self.most:,} characters"
        if not visible(text):
            return "must not be empty"
        if (problem := text_problem(text)) is not None:
            return problem
        if self.literal or ("{" not in text and "}" not in text):
            return None
        if (found := placeholder_in(text)) is not None:
            return (
                f"holds {found}, which nothing fills: values go into the content's text of a mailing whose "
                "message_type is personal; if it is meant as it stands, give the job literal_text: true"
            )
        brace = "{" if _OPENED.search(text) else "}" if _CLOSED.search(text) else None
        return f"holds {brace} {BRACE_ALONE}" if brace is not None else None

    def template_problem(self, text: str) -> str | None:
        """What is wrong with what stands between the places of a template, if anything."""
        if len(text) > self.most:
            return f"longer than {self.most:,} characters, even without what fills it"
        return text_problem(text)


def link_problem(link: object, most: int) -> str | None:
    """What is wrong with an address on the web, if anything."""
    if not isinstance(link, str) or not _LINK.fullmatch(link):
        return "must be a URL that starts with http:// or https:// and carries no credentials"
    if len(link) > most:
        return f"longer than {most} characters"
    if any(unicodedata.category(one)[0] == "C" for one in link):
        return "holds a control character or another invisible one"
    try:
        parts = urlsplit(link)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "has a host or a port that cannot be: a port is a number up to 65535"
    return "names no host" if not host or port == 0 else None


def oddities(value: Any) -> dict[Any, Any]:
    """Places of a document where something stands that JSON or Redis cannot carry, as an error tree.

    Checks lists and objects only; what a caller passes as an iterator is checked as it is read.
    """
    return _odd(value, 0) or {}


def _odd(value: Any, deep: int) -> Any:
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return None
        problem = text_problem(value)
        return [problem] if problem else None
    if isinstance(value, int):
        return ["is too large a number"] if abs(value) >= _INTEGER_MOST else None
    if not isinstance(value, (dict, list, tuple, Mapping)):
        return None
    if deep >= _DEPTH_MOST:
        return [f"is nested deeper than {_DEPTH_MOST} levels"]
    tree = {name: found for name, part in _parts(value) if (found := _odd(part, deep + 1))}
    return tree or None


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, (dict, Mapping)):
        for name, part in value.items():
            if isinstance(name, str) and not name.isidentifier() and text_problem(name):
                yield "a name", name
            else:
                yield name, part
    elif not _all_plain(value):
        yield from enumerate(value)


def _all_plain(rows: list[Any] | tuple[Any, ...]) -> bool:
    """Phones are many, and nearly all are plain ASCII, which is checked cheaply for all at once."""
    if set(map(type, rows)) != {str}:
        return False
    joined = "".join(rows)
    return joined.isascii() and "\0" not in joined
