"""Where the token joins a request: in the bytes on the wire, below everything that others can wrap.

Tracers and crash reporters wrap requests, urllib3 and http.client, and keep what they are given: addresses, bodies,
locals. So a request is prepared without its token, and the token is put in by the socket that writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus

import orjson

from campaigns.settings import Secret

#: What a prepared body begins with, where the token joins it.
JSON_HEAD = b'{"token":"'
FORM_HEAD = b"token="
PART_HEAD = b'name="token"\r\n\r\n'
_LINE_END = b" HTTP/1.1\r\n"


@dataclass(frozen=True, slots=True)
class Seal:
    """The token as it is spelled in one request, and the bytes beside which it stands.

    With `in_head` it goes in front of the first `marker` of the head, else behind the first of the body.
    """

    spelled: Secret
    marker: bytes
    in_head: bool

    @property
    def extra(self) -> int:
        """Bytes by which the token makes the request longer."""
        return len(self.spelled.reveal().encode())

    def apply(self, data: bytes) -> memoryview:
        """The head or the beginning of the body with the token in it. Raises ValueError if it has no place for it.

        A view, because its repr shows nothing: no frame that may fail holds the bytes themselves.
        """
        at = data.find(self.marker)
        if at < 0:
            raise ValueError("the request has no place for the token")
        if not self.in_head:
            at += len(self.marker)
        return memoryview(b"".join((data[:at], self.spelled.reveal().encode(), data[at:])))


def in_query(token: Secret, *, first: bool) -> Seal:
    """The token as the last parameter of the query, or with `first` as the only one."""
    return Seal(Secret(("?" if first else "&") + "token=" + quote_plus(token.reveal())), _LINE_END, in_head=True)


def in_json(token: Secret) -> Seal:
    """The token in a JSON object that begins with `JSON_HEAD`."""
    return Seal(Secret(orjson.dumps(token.reveal()).decode()[1:-1]), JSON_HEAD, in_head=False)


def in_form(token: Secret) -> Seal:
    """The token in a form that begins with `FORM_HEAD`."""
    return Seal(Secret(quote_plus(token.reveal())), FORM_HEAD, in_head=False)


def in_parts(token: Secret) -> Seal:
    """The token in the first part, named `token`, of a form that carries a file."""
    return Seal(token, PART_HEAD, in_head=False)
