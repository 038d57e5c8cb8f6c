"""The languages of a page, by their codes. Pure."""

from __future__ import annotations

from typing import Final

from campaigns.reports.language import ENGLISH, Language
from campaigns.reports.russian import RUSSIAN

LANGUAGES: Final[dict[str, Language]] = {one.code: one for one in (ENGLISH, RUSSIAN)}


def language_of(code: str) -> Language:
    """The language with a code such as `en`. Raises ValueError if there is none."""
    if code not in LANGUAGES:
        raise ValueError(f"there is no language {code!r}; there are {', '.join(LANGUAGES)}")
    return LANGUAGES[code]
