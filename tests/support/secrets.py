"""How what must not be seen may be written: as it is, in a URL, in JSON, in base64 wherever it may begin there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus


def spellings(secret: str) -> set[str]:
    raw = secret.encode()
    escaped = json.dumps(secret)[1:-1]
    twice = json.dumps(escaped)[1:-1]
    in_base64 = {base64.b64encode(b"x" * n + part).decode()[4:-4] for n in range(3) for part in (raw, escaped.encode())}
    quoted = {quote(secret), quote_plus(secret), quote(secret, safe="")}
    return {secret, *quoted, escaped, twice, repr(raw)[2:-1], *in_base64}


def found(secrets: Iterable[str], text: str) -> list[str]:
    """The spellings of any of these that stand in the text."""
    return [spelling for secret in secrets for spelling in sorted(spellings(secret)) if spelling in text]
