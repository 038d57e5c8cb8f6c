"""Why a canary failed: a code with its facts, as it is stored, and in words. Pure.

A cause is a JSON object. Its `code` is one of those below, the other fields are the facts that its sentence names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from campaigns.text.wording import counted

#: Of a canary: `failed` of `recipients`, where at most the share `most` may.
TOO_MANY_FAILED: Final = "too_many_failed"
#: Of a canary: a person has to decide about `requests`.
IN_DOUBT: Final = "in_doubt"
#: Of a canary: on no phone `wait_s` seconds after it was sent.
NOT_RECEIVED: Final = "not_received"


def canary_words(cause: Mapping[str, Any]) -> str:
    """Why a canary failed. A cause may name the `mailing` that it is about."""
    mailing = cause.get("mailing")
    if cause["code"] == TOO_MANY_FAILED:
        part = f" of {mailing}" if mailing else ""
        of = f"{cause['failed']:,} of {counted(cause['recipients'], 'recipient')}{part}"
        return f"{of} failed, and at most {cause['most']:.0%} may"
    if cause["code"] == IN_DOUBT:
        return f"{counted(cause['requests'], 'request')} in doubt, about which a person has to decide"
    return f"no phone had received {mailing or 'it'} {cause['wait_s']:,} seconds after it was sent"
