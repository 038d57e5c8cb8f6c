"""Messages as they lay in a broker's queue, whatever was put there. Pure, and nothing here raises.

A worker's main process must not die of a message, so nothing of it is trusted: what cannot be read becomes an
envelope with a problem, and ends as a dead letter. The sender's own JSON is parsed in the pool only.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import orjson

#: JSON nested deeper than this is refused: the deepest field of a job is five levels down.
DEPTH_MOST: Final = 32
#: What is not the body: headers and properties, and the white space between them.
_FRAME_BYTES: Final = 65_536
_TEXT_LENGTH: Final = 255
_NO_JSON: Final = "it is not JSON"
_NO_MESSAGE: Final = "it is not a message of Celery's: a JSON object with body, headers and properties"
_NO_TEXT: Final = "its body must be text: base64, with body_encoding base64 in its properties"
_NO_ENCODING: Final = "its body_encoding must be base64"
_NO_BASE64: Final = "its body is not base64, though its properties claim it"
_PROBLEMS: Final = re.compile(
    "|".join(re.escape(problem) for problem in (_NO_JSON, _NO_MESSAGE, _NO_TEXT, _NO_ENCODING, _NO_BASE64))
    + r"|it is larger than [0-9,]+ bytes \(CAMPAIGNS_SUBMISSION_BYTES\)"
)
_ZLIB: Final = "application/x-gzip"  # kombu's name for what zlib compresses


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message of Celery's: where it lay, its headers (plain words and numbers only), and its body as sent.

    `size` is the number of bytes that came; `problem`: why the message cannot be read, if it cannot. Of what is
    too large only a fingerprint is kept as the body.
    """

    queue: str
    headers: Mapping[str, Any]
    content_type: str = ""
    content_encoding: str = ""
    body: bytes = field(default=b"", repr=False)
    size: int = 0
    problem: str = ""

    @property
    def digest(self) -> str:
        """The same for the same message, also when it is delivered again."""
        about = f"{self.queue}|{self.problem}|{self.headers.get('task')}|{self.headers.get('id')}|"
        return blake2b(about.encode("utf-8", "replace") + self.body, digest_size=16).hexdigest()

    def packed(self) -> dict[str, Any]:
        """Plain values for JSON, on the way into the pool."""
        return {
            "queue": self.queue,
            "headers": dict(self.headers),
            "content_type": self.content_type,
            "content_encoding": self.content_encoding,
            "body": base64.b64encode(self.body).decode(),
            "size": self.size,
            "problem": self.problem,
        }

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> Envelope:
        """What `packed` made."""
        return cls(**{**packed, "body": base64.b64decode(packed["body"])})


def envelope_of_item(item: bytes, queue: str, most_bytes: int) -> Envelope:
    """An element of a Redis list in which kombu keeps a queue. `most_bytes` limits the body."""
    size = len(item)
    if size > most_bytes * 4 // 3 + _FRAME_BYTES:
        return Envelope(queue, {}, body=_fingerprint(item), size=size, problem=_too_large(most_bytes))
    try:
        raw = parsed(item)
    except ValueError:
        return Envelope(queue, {}, body=item, size=size, problem=_NO_JSON)
    if not isinstance(raw, dict) or "body" not in raw:
        return Envelope(queue, {}, body=item, size=size, problem=_NO_MESSAGE)
    properties = raw.get("properties")
    encoding = properties.get("body_encoding") if isinstance(properties, dict) else None
    try:
        body, problem = _decoded(raw["body"], encoding), ""
    except ValueError as error:
        body, problem = item, str(error)
    return envelope(
        queue, raw.get("headers"), raw.get("content-type"), raw.get("content-encoding"), body, most_bytes, problem
    )


def envelope(
    queue: str,
    headers: object,
    content_type: object,
    content_encoding: object,
    body: object,
    most_bytes: int,
    problem: str = "",
) -> Envelope:
    """A message whose parts a broker's client has separated; each may still be anything."""
    content = body if isinstance(body, bytes) else _bytes(body)
    size = len(content)
    if size > most_bytes:
        content, problem = _fingerprint(content), _too_large(most_bytes)
    return Envelope(queue, plain_headers(headers), _word(content_type), _word(content_encoding), content, size, problem)


def plain_headers(headers: object) -> dict[str, Any]:
    """The headers that are words, numbers or truth values; others are not ours."""
    if not isinstance(headers, Mapping):
        return {}
    plain: dict[str, Any] = {}
    for name, raw in headers.items():
        value = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
        fits = isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**63)
        if isinstance(name, str) and (fits or (isinstance(value, str) and len(value) <= _TEXT_LENGTH)):
            plain[_sound(name)[:_TEXT_LENGTH]] = _sound(value) if isinstance(value, str) else value
    return plain


def parsed(text: bytes) -> Any:
    """JSON, also with what a strict parser refuses: half an emoji, NaN. Raises ValueError, without any content.

    Dates and amounts, which Python's Celery writes as `{"__type__", "__value__"}`, come back as their text.
    """
    try:
        if b'"__type__"' not in text:
            return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), object_hook=_untyped)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None


def depth(value: Any) -> int:
    """How deep lists and objects are nested, counted no further than one beyond `DEPTH_MOST`."""
    level, deep = [value], 0
    while level and deep <= DEPTH_MOST:
        level = [part for one in level for part in _parts(one) if isinstance(part, (list, dict))]
        deep += bool(level) or isinstance(value, (list, dict))
        if not level:
            break
    return deep


def decompressed(body: bytes, name: object, most_bytes: int) -> bytes:
    """The body as it was before it was compressed. Raises ValueError; never makes more than `most_bytes`."""
    if not name:
        return body
    if name != _ZLIB:
        raise ValueError("it is compressed in a way that is not read here: send it as it is")
    worker = zlib.decompressobj()
    try:
        content = worker.decompress(body, most_bytes + 1)
    except zlib.error:
        raise ValueError("it cannot be decompressed") from None
    if len(content) > most_bytes:
        raise ValueError(_too_large(most_bytes))
    return content


def shown(value: object, most: int = 60) -> str:
    """A foreign word in a sentence of ours: printable, short, and without what may be a phone."""
    text = _sound(value) if isinstance(value, str) else type(value).__name__
    # Five digits may be part of a phone.
    digits = sum(character.isdigit() for character in text)
    if digits >= 5 or len(text) > most or not text.isprintable():
        return f"(a word of {len(text):,} characters)"
    return repr(text)


def known_problem(text: str) -> str:
    """A problem that was found before this message was put back into its queue; foreign words are not repeated."""
    return text if _PROBLEMS.fullmatch(text) else "it is marked as unreadable"


def _parts(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _decoded(body: object, encoding: object) -> bytes:
    if not isinstance(body, str):
        raise ValueError(_NO_TEXT)  # noqa: TRY004
    if not encoding or (isinstance(encoding, str) and encoding.casefold() == "utf-8"):
        return _bytes(body)
    if not (isinstance(encoding, str) and encoding.casefold() == "base64"):
        raise ValueError(_NO_ENCODING)
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError(_NO_BASE64) from None


def _untyped(document: dict[str, Any]) -> Any:
    return document["__value__"] if document.keys() == {"__type__", "__value__"} else document


def _bytes(text: object) -> bytes:
    if isinstance(text, (bytearray, memoryview)):
        return bytes(text)
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


def _fingerprint(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def _word(value: object) -> str:
    return _sound(value)[:_TEXT_LENGTH] if isinstance(value, str) else ""


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _too_large(most_bytes: int) -> str:
    return f"it is larger than {most_bytes:,} bytes (CAMPAIGNS_SUBMISSION_BYTES)"
