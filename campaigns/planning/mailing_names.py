"""What a request calls its mailings: the job's own names where they can come back unchanged, else short ones of ours.

statusBulkViber tells refusals as `name: reason`, so a name is the only link from an error to its mailing. A framework
trims and escapes names, a database cuts them and writes `?` for what it cannot store. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

#: Names of plain letters, digits and harmless signs, with single spaces inside, survive all of that.
_SAFE: Final = re.compile(r"[0-9A-Za-z\u0400-\u045f](?:[ ]?[-_.,()0-9A-Za-z\u0400-\u045f]){0,19}")
_LONGEST: Final = 20
_STEM_LENGTH: Final = 12


def sent_names(names: Sequence[str]) -> list[str]:
    """What one request calls its mailings, all different whatever is done to their case.

    A name of ours keeps what is plain of the job's, so that people recognise it at the gateway.
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
