"""How closely a listed mailing matches one of ours. Pure.

The gateway may show a text trimmed, shortened, escaped, with `?` for an emoji, or not at all. So there are three
answers: nothing differs, it may be the same, it is another.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final

from campaigns.answers.rows import DeliveryRows
from campaigns.answers.values import MailingData

_TYPES: Final = frozenset({"TEXT", "IMAGE", "BUTTON"})
_LINK: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_NO_WORD: Final = re.compile(r"[\W_]+")
#: Digits of a phone with its country: fewer are a part of one.
_SHORTEST: Final = 10
#: A text of which at least this share of words is shown may be ours.
_SHARE: Final = 0.5


class Likeness(IntEnum):
    """How closely a listed mailing matches one of ours."""

    OTHER = 0  # another message
    PERHAPS = 1  # it may be ours, altered
    SAME = 2  # nothing that can be seen differs


def likeness(listed: MailingData, content: Mapping[str, str], texts: Sequence[str] = ()) -> Likeness:
    """Compare a listed mailing with the content of one of ours, see `planner.listed_content`.

    `texts` are those of the recipients of a personal mailing, whose content has no text of its own.
    """
    kind = listed.message_type.strip().upper()
    captions = _alike(listed.button_caption, content["button_caption"])
    if "message" in content:
        text = _alike(listed.message, content["message"])
        link = _alike(listed.button_link, content["button_link"], link=True)
    else:
        text, link = _of_personal(listed.message, texts), Likeness.SAME
    if kind == content["type"]:
        if min(captions, text, link) == Likeness.SAME:
            return Likeness.SAME
    elif kind in _TYPES and not (text == Likeness.SAME and _letters(listed.message)):
        return Likeness.OTHER
    # The gateway may have rewritten a caption or a link: while the text matches it may be ours.
    return Likeness.PERHAPS if text else Likeness.OTHER


def understood_phones(rows: DeliveryRows) -> frozenset[str] | None:
    """The phones of a delivery list; None if there are none, or one of them is masked, cut or cannot be read."""
    phones = frozenset(row.phone for row in rows)
    if not phones or rows.skipped or any(len(phone) < _SHORTEST for phone in phones):
        return None
    return phones


def _of_personal(shown: str, texts: Sequence[str]) -> Likeness:
    """Compare the text that is shown of a personal mailing: the gateway may show none, one of its texts, or another."""
    letters = _letters(shown)
    return Likeness.SAME if not letters or any(letters == _letters(text) for text in texts) else Likeness.PERHAPS


def _alike(shown: str, own: str, *, link: bool = False) -> Likeness:
    if _plain(shown) == _plain(own):
        return Likeness.SAME
    letters, ours = _letters(shown, link=link), _letters(own, link=link)
    if letters == ours and letters:
        return Likeness.SAME
    if not letters or not ours or letters.startswith(ours) or ours.startswith(letters):
        return Likeness.PERHAPS
    words, own_words = set(letters.split()), set(ours.split())
    return Likeness.PERHAPS if len(words & own_words) >= _SHARE * len(own_words) else Likeness.OTHER


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", html.unescape(text.replace("\\/", "/"))).split())


@lru_cache(maxsize=4096)
def _letters(text: str, *, link: bool = False) -> str:
    """The words alone: no signs, no emoji and no links, which gateways shorten."""
    plain = _plain(text)
    return _NO_WORD.sub(" ", plain if link else _LINK.sub(" ", plain)).strip().casefold()
