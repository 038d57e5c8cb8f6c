"""The names that a request gives its mailings: the job's own if they come back unchanged, else short ones. Pure.

statusBulkViber reports refusals as `name: reason`, so the name is the only link from an error to its mailing. On the
way, the gateway's framework may trim and escape names, and its database may cut them or replace characters with `?`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

#: Names of Latin and Cyrillic letters, digits and these signs, with single spaces inside, survive all of that.
_SAFE: Final = re.compile(r"[0-9A-Za-z\u0400-\u045f](?:[ ]?[-_.,()0-9A-Za-z\u0400-\u045f]){0,19}")
_LONGEST: Final = 20
_STEM_LENGTH: Final = 12


def sent_names(names: Sequence[str]) -> list[str]:
    """The names for the mailings of one request, in order. They differ even if their case is ignored.

    A replaced name keeps the Latin letters and digits of the job's, so that people recognise it at the gateway.
    """
    folded = Counter(name.casefold() for name in names)
    kept = {name.casefold() for name in names if _is_safe(name) and folded[name.casefold()] == 1}
    taken, sent = set(kept), []
    for number, name in enumerate(names, start=1):
        if name.casefold() in kept and _is_safe(name):
            sent.append(name)
            continue
        stem = re.sub(r"[^0-9A-Za-z]+", "-", name)[:_STEM_LENGTH].strip("-") or "mailing"
        ours = f"{stem}-{number}"
        while ours.casefold() in taken:
            ours += "x"
        taken.add(ours.casefold())
        sent.append(ours)
    return sent


def _is_safe(name: str) -> bool:
    return len(name) <= _LONGEST and _SAFE.fullmatch(name) is not None
