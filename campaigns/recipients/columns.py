"""Columns: finds those of the phone, the text and the button's link. Pure.

The phone's column is never guessed. It has a name that means a phone and nothing else, or the caller chooses it, or
the table has no header and only one column with phones. In a table with the header `УНП;Телефон 1` the first column
has digits too, the tax numbers of companies; the error then names the column that was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from campaigns.errors import JobError
from campaigns.text.unknown_fields import unknown_field

PHONE, TEXT, BUTTON_LINK, VALUES = "phone", "text", "button_link", "values"
FIELDS: Final = (PHONE, TEXT, BUTTON_LINK)

_PHONE_NAMES: Final = frozenset((
    "phone", "phones", "phone number", "phone numbers", "phonenumber", "phone no", "phone nr", "telephone",
    "telephone number", "tel", "tel no", "tel number", "mobile", "mobile phone", "mobile phone number",
    "mobile number", "mobile no", "mob", "cell", "cell phone", "cell number", "cellphone", "msisdn", "viber",
    "viber phone", "viber number", "телефон", "телефоны", "номер телефона", "номера телефонов", "телефонный номер",
    "тел", "номер тел", "мобильный", "мобильный телефон", "мобильный номер", "номер мобильного",
    "номер мобильного телефона", "моб", "моб тел", "моб телефон", "сотовый", "сотовый телефон", "номер сотового",
    "вайбер", "тэлефон", "тэлефоны", "нумар тэлефона", "тэлефонны нумар", "тэл", "мабільны", "мабільны тэлефон",
    "мабільны нумар", "нумар мабільнага", "нумар мабільнага тэлефона", "телефони", "номер телефону",
    "телефонний номер", "мобільний", "мобільний телефон", "мобільний номер", "номер мобільного",
    "номер мобільного телефону",
))  # fmt: skip
#: Ambiguous names, accepted only if the table has no other column.
_NUMBER_NAMES: Final = frozenset(("number", "numbers", "номер", "номера", "нумар", "номери", "recipient", "recipients"))
_FIELD_NAMES: Final[dict[str, frozenset[str]]] = {
    PHONE: _PHONE_NAMES,
    TEXT: frozenset(("text", "message", "message text", "текст", "сообщение", "текст сообщения", "тэкст",
                     "паведамленне", "тэкст паведамлення", "повідомлення", "текст повідомлення")),
    BUTTON_LINK: frozenset(("button link", "link", "url", "ссылка", "спасылка", "посилання")),
}  # fmt: skip
_PHONE_WORD = re.compile(r"phone|\btel\b|mobile|msisdn|телефон|тэлефон|\bтел\b|моб[иі]л|мабіл|\bмоб\b|сотов")
#: The most digits that may number a column, as in `Телефон 12`.
_ORDER_DIGITS: Final = 2
_BETWEEN_WORDS = re.compile(r"[\W_]+")


class Columns(NamedTuple):
    """The column of each field (from 0), whether the first row is a header, and the names in it."""

    places: dict[str, int]
    header: bool
    names: Sequence[str]


class ColumnError(Exception):
    """The column of a field cannot be determined; the message is the reason."""


def plain(name: str) -> str:
    """A column's name in lower case, with single spaces between words."""
    return _BETWEEN_WORDS.sub(" ", name.casefold().replace("ё", "е")).strip()


def is_phone_name(cell: str) -> bool:
    """Whether a header's cell means a phone and nothing else."""
    return plain(cell) in _PHONE_NAMES


def checked_choice(columns: Any, names: Iterable[str]) -> dict[str, str | int]:
    """The caller's choice of columns for FIELDS and `names`. Raises JobError if it is not a choice of columns."""
    known = (*FIELDS, *names)
    found: dict[str, str | int] = {}
    errors: dict[str, list[str]] = {}
    if columns is not None and not isinstance(columns, Mapping):
        raise JobError({"columns": ["must be an object such as {phone: name of the column}"]})
    for field, name in (columns or {}).items():
        if field not in known:
            errors[str(field)] = [unknown_field(field, known)]
        elif isinstance(name, bool) or not isinstance(name, (str, int)) or not str(name).strip():
            errors[field] = ["must be the name of a column, or its number from 1"]
        else:
            found[field] = name
    if errors:
        raise JobError({"columns": errors})
    return found


def chosen(
    first: Sequence[str], columns: Mapping[str, str | int], phones: Sequence[int], asked: Collection[str] = ()
) -> Columns:
    """The columns that the caller chose, by name or by number from 1, and those of other `asked` fields by their names.

    `phones`: which cells of the first row hold one. Raises ColumnError for a chosen column that does not exist.
    """
    places = {field: _place(first, field, name) for field, name in columns.items()}
    by_number = PHONE in columns and _number(first, columns[PHONE]) is not None
    header = not (by_number and places[PHONE] in phones)
    for field, named in (_named(first) if header else {}).items():
        if field in asked and field != PHONE and len(named) == 1 and named[0] not in places.values():
            places.setdefault(field, named[0])
    return Columns(places, header, names=first)


def _place(first: Sequence[str], field: str, name: str | int) -> int:
    found = [i for i, cell in enumerate(first) if plain(cell) == plain(str(name)) and plain(cell)]
    exact = [i for i in found if first[i].strip() == str(name).strip()]
    if len(found) == 1 or len(exact) == 1:
        return (found if len(found) == 1 else exact)[0]
    number = _number(first, name)
    if number is not None:
        return number
    if found:
        raise ColumnError(f"{len(found)} columns are called {name!r}; choose by number: --column {field}=1")
    raise ColumnError(f"has no column called {name!r}, chosen for {field}; it has {_listed(first)}")


def _number(first: Sequence[str], name: str | int) -> int | None:
    text = str(name).strip()
    if re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= len(first) and text not in map(str.strip, first):
        return int(text) - 1
    return None


def recognised(first: Sequence[str], phones: Sequence[int]) -> Columns:
    """The columns found by their names, or those of a table without a header. Raises ColumnError if in doubt."""
    named = _named(first)
    if len(named[PHONE]) > 1:
        raise ColumnError(
            f"{len(named[PHONE])} columns may be the phone: {_listed(first, named[PHONE])}; "
            + _choose(first, named[PHONE][0])
        )
    filled = [i for i, cell in enumerate(first) if cell.strip()]
    if not named[PHONE] and len(filled) == 1 and plain(first[filled[0]]) in _NUMBER_NAMES:
        named[PHONE] = filled
    if named[PHONE]:
        return Columns({field: places[0] for field, places in named.items() if len(places) == 1}, True, first)
    if len(phones) == 1 or (len(filled) == 1 and sum(map(str.isdigit, first[filled[0]])) >= 5):
        return Columns({PHONE: (phones or filled)[0]}, False, ())
    if phones:
        raise ColumnError(f"has no header, and {len(phones)} columns hold phones; choose by number: --column phone=1")
    likely = [i for i in filled if _PHONE_WORD.search(plain(first[i]))]
    raise ColumnError(
        f"no column is called phone; it has {_listed(first)}; {_choose(first, likely[0] if likely else None)}"
    )


def value_places(
    first: Sequence[str], layout: Columns, names: Collection[str], choice: Mapping[str, str | int]
) -> dict[str, int]:
    """The columns that fill a template, found by its `names` or chosen. `first` is the first row. Raises ColumnError,
    which names all missing columns."""
    header = first if layout.header else ()
    there = {plain(cell) for cell in header} - {""}
    missing = [name for name in names if name not in choice and plain(name) not in there]
    if missing:
        has = f"; it has {_listed(header)}" if header else ", since it has no header"
        raise ColumnError(
            f"has no column called {', '.join(missing)}, which the template names{has}; choose one with "
            f'--column "{missing[0]}=NAME", or columns={{"{missing[0]}": "NAME"}}'
        )
    return {name: _place(first, name, choice.get(name, name)) for name in names}


def _named(first: Sequence[str]) -> dict[str, list[int]]:
    """For each field, the columns whose names mean it."""
    return {field: [i for i, cell in enumerate(first) if plain(cell) in names] for field, names in _FIELD_NAMES.items()}


def _choose(first: Sequence[str], place: int | None) -> str:
    name = shown(first[place]) if place is not None else "NAME"
    return f'choose it with --column "phone={name}", or columns={{"phone": "{name}"}}'


def _listed(first: Sequence[str], places: Sequence[int] | None = None) -> str:
    names = [shown(first[i]) for i in (places if places is not None else range(len(first))) if first[i].strip()]
    return ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")


def shown(cell: str) -> str:
    """A header's cell for a message: short, on one line, without digits except for a column's number.

    A cell of the first row may hold a person's phone, or half of one that a wrong delimiter has cut in two.
    """
    one_line = " ".join("".join(c if c.isprintable() else " " for c in cell[:200]).split())[:40]
    return re.sub(r"\d+", "...", one_line) if sum(map(str.isdigit, cell)) > _ORDER_DIGITS else one_line
