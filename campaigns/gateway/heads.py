"""The head of an answer, read so that one odd line costs only itself."""

from __future__ import annotations

import http.client
import re
from typing import Any


class _HeaderLines:
    """Reads the head of an answer, so that one odd line costs itself and a missing end is noticed.

    Python's parser takes a line without a colon, or with a space before it, for the end of the headers: what stands
    after it is lost, the length of the body too. And it takes the end of the connection for the end of the headers.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._in_status = True
        self._dropped = True  # a continuation of nothing is dropped too

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._source.readline(limit)
        if self._in_status:
            # An interim answer (100 Continue) is followed by another status line.
            self._in_status = not line.strip()
            return line
        while line not in _ENDS:
            kept = self._readable(line)
            if kept:
                return kept
            line = self._source.readline(limit)
        if not line.endswith(b"\n"):
            raise http.client.HTTPException("cut headers")
        self._in_status = True
        return line

    def _readable(self, line: bytes) -> bytes:
        """The line in a form that the parser accepts; an empty one if it is not a header."""
        if not line.endswith(b"\n"):
            return line
        if line[:1] in b" \t":
            return b"" if self._dropped or not line.strip() else line
        match = _HEADER.match(line)
        self._dropped = match is None
        return match[1] + b":" + match[2] if match else b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


_ENDS = frozenset({b"\r\n", b"\n", b""})
#: A header's name, perhaps with spaces before its colon, and the rest of the line.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)


class WholeResponse(http.client.HTTPResponse):
    """Refuses headers that were cut off. urllib3 would take them for all there are, and log the address."""

    def begin(self) -> None:
        source = self.fp
        self.fp = _HeaderLines(source)  # type: ignore[assignment]  # it has all that reading the head asks for
        try:
            super().begin()
        finally:
            if isinstance(self.fp, _HeaderLines):
                self.fp = source
        if self.headers.defects or self.headers.get_payload():
            raise http.client.HTTPException("cut headers")
