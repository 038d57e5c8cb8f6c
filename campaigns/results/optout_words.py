"""Whether a reply asks to be left alone. Pure.

People write the word with exclamation marks, quotes, hearts and spaces around it, telephones add invisible
characters, frameworks escape quotes, and a person without a Cyrillic keyboard, or with a mixed one, writes letters that
only look alike.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Set
from functools import lru_cache
from typing import Final

#: Cyrillic and Greek capitals that look like Latin ones. Capitals, because small letters are less alike.
_LOOKALIKES: Final = str.maketrans(
    "АВЕЁКМНОРСТУХІЇЈЅҮԚԜӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ",
    "ABEEKMHOPCTYXIIJSYQWIABEZHIKMNOPTYXC",
)
#: A longer reply is not a single word, and need not be checked.
_LONGEST: Final = 500


def asks_to_stop(message: str, words: Set[str]) -> bool:
    """Whether a reply is one of the opt-out words, perhaps repeated, whatever surrounds it.

    Case, spaces, punctuation, emoji, quotes and invisible characters around the word do not count, and neither
    does whether its letters are Latin or Cyrillic ones that look the same. Further words do count: "do not stop".
    """
    if not words or len(message) > _LONGEST:
        return False
    words_found, wanted = _tokens(html.unescape(message)), _wanted(frozenset(words))
    return words_found in wanted or (len(set(words_found)) == 1 and words_found[:1] in wanted)


@lru_cache(maxsize=64)
def _wanted(words: frozenset[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(_tokens(word) for word in words) - {()}


def _tokens(text: str) -> tuple[str, ...]:
    """The words of a text in one form: capitals, look-alikes made one, without marks and invisible characters."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).upper()
    shown = "".join(
        character if character.isalnum() else " "
        for character in plain.translate(_LOOKALIKES)
        if unicodedata.category(character) not in _UNSEEN
    )
    return tuple(shown.split())


#: Formatting, combining marks, controls other than spaces, and what belongs to no character.
_UNSEEN: Final = frozenset({"Cf", "Mn", "Me", "Mc", "Cs", "Co", "Cn"})
