"""The error for an unknown field: the field that was probably meant, and the fields that exist. Pure.

The unknown name is never repeated in the error, because it may be a phone or a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

_NAME_COMPARED: Final = 60
#: Names that callers often use instead of ours.
_ALSO_CALLED: Final = {"recipients": "deliverylist", "text": "message"}
_NO_PLACES: Final[Mapping[str, str]] = {}


def unknown_field(name: object, known: Iterable[str], elsewhere: Mapping[str, str] = _NO_PLACES) -> str:
    """Why a field is refused. `elsewhere` maps names that belong in another place to that place, such as
    `content.text` or `kind quick`."""
    names = list(known)
    meant = _meant(str(name)[:_NAME_COMPARED], names, elsewhere)
    hint = f"; did you mean {meant}?" if meant else "."
    return f"unknown field{hint} There are: {', '.join(names)}"


def _meant(name: str, names: Iterable[str], elsewhere: Mapping[str, str]) -> str | None:
    own = {_plain(one): one for one in names}
    others = {_plain(one): place for one, place in elsewhere.items()}
    written = _plain(name)
    for spelling in (written, _ALSO_CALLED.get(written, written)):
        if (found := own.get(spelling) or others.get(spelling)) is not None:
            return found
    near = get_close_matches(written, own, n=1)
    return own[near[0]] if near else None


def _plain(name: str) -> str:
    """A name as letters and digits only, so that `buttonLink` and `Button-Link` are near `button_link`."""
    return "".join(filter(str.isalnum, name.casefold()))
