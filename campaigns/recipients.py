"""Recipients: phones normalised, rows checked, files read. Pure but for the reading of files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import phonenumbers

from campaigns import wellformed
from campaigns.errors import JobError
from campaigns.wellformed import TextRule, text_problem

BUTTON_LINK_LENGTH = 150
#: For a caller who does not know the settings.
_ANY_TEXT = TextRule(1_000_000, literal=True)

#: The mobile numbers of Belarus in the gateway's own form; the quick way for nearly all phones.
_USUAL = re.compile(r"375(?:25|29|33|44)[0-9]{7}")
#: How the column of phones may be called in the header of a file.
PHONE_COLUMNS = ("phone", "телефон", "msisdn", "номер", "tel", "mobile", "number")


def normalise_phone(raw: object, region: str) -> str | None:
    """A phone in the gateway's form (digits with the country's code, no plus), or None if it is no phone.

    Usual spellings are understood: plus, 00, brackets, dashes, spaces, and national ones of `region`.
    A number must be valid, not only of a possible length: a message to a number that nobody has costs money.
    """
    text = str(raw).strip() if isinstance(raw, (str, int)) and not isinstance(raw, bool) else ""
    if _USUAL.fullmatch(text):
        return text
    digits = sum(character.isdigit() for character in text)
    if not 5 <= digits <= 20 or len(text) > 40:
        return None
    # Digits with a country's code and no plus are how the gateway writes phones, so they are tried first.
    for spelling, country in _spellings(text, region):
        try:
            number = phonenumbers.parse(spelling, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number) and not number.extension:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return None


def _spellings(text: str, region: str) -> Iterator[tuple[str, str | None]]:
    if text.startswith("+"):
        yield text, None
        return
    if text.startswith("00"):
        yield "+" + text[2:], None
        return
    if text.isdigit() and len(text) >= 11:
        yield "+" + text, None
    yield text, region


def row_problem(
    row: object, *, personal: bool, linked: bool, text_rule: TextRule = _ANY_TEXT
) -> dict[str, list[str]] | str | None:
    """What is wrong with a row of sendBulkViber's `delivery_list`, if anything: by field, or as a whole.

    In a personal mailing text and button link belong to each recipient, in a bulk mailing to the content.
    """
    if isinstance(row, (str, int)) and not isinstance(row, bool):
        if personal:
            return "must be an object with phone and text in a personal mailing"
        return _phone_problem(row)
    if not isinstance(row, dict):
        return "must be a phone" + (" with a text: {phone, text}" if personal else "")
    errors: dict[str, list[str]] = {}
    phone = row.get("phone")
    if not isinstance(phone, (str, int)) or isinstance(phone, bool):
        errors["phone"] = ["is missing"]
    elif (problem := _phone_problem(phone)) is not None:
        errors["phone"] = [problem]
    allowed = {"phone", "text"} | ({"button_link"} if linked else set()) if personal else {"phone"}
    for name in row:
        if name not in allowed:
            errors[str(name)] = [_not_allowed(name, personal=personal)]
    if personal:
        errors |= text_problems(row, text_rule)
        if linked and (problem := link_problem(row.get("button_link"))) is not None:
            errors["button_link"] = [problem]
    return errors or None


def _phone_problem(phone: str | int) -> str | None:
    """Why what stands for a phone cannot even be written down; whether it is a phone is asked later."""
    if isinstance(phone, str):
        return text_problem(phone)
    return "is no phone: too large a number" if abs(phone) >= 2**63 else None


def text_problems(row: dict[str, Any], text_rule: TextRule = _ANY_TEXT) -> dict[str, list[str]]:
    """What is wrong with a row's text."""
    text = row.get("text")
    if text is None:
        return {"text": ["is missing: in a personal mailing each recipient has one"]}
    if not isinstance(text, str) or not text.strip():
        return {"text": ["must be text that is not empty"]}
    problem = text_rule.problem(text)
    return {} if problem is None else {"text": [problem]}


def link_problem(link: object, most: int = BUTTON_LINK_LENGTH) -> str | None:
    """What is wrong with a link, if anything."""
    return "is missing" if link is None else wellformed.link_problem(link, most)


def _not_allowed(name: object, *, personal: bool) -> str:
    if name == "button_link" and personal:
        return "belongs to mailings whose content is a button"
    if name in {"text", "button_link"}:
        return "belongs to the content in a bulk mailing"
    return "is not a field"


def read_recipients(path: str | Path) -> Iterator[Any]:
    """Rows of a CSV file (`.csv`, `.tsv`, `.txt`) or of JSON lines (`.jsonl`, `.ndjson`), one by one.

    Raises JobError, which names the file and the line, for what cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        return read_json_lines(path)
    return read_csv(path)


def read_json_lines(path: Path) -> Iterator[Any]:
    """One phone or one object a line; empty lines are passed over."""
    for number, line in _lines(path):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                raise JobError({"recipients": [f"{path.name}, line {number}: is not JSON"]}) from None


def read_csv(path: Path) -> Iterator[Any]:
    """Rows of a CSV file, divided by comma, semicolon or tab.

    With a header line, the column `phone` (or телефон, msisdn, ...) and, if there are such, `text` and
    `button_link`; without one, the first column.
    """
    lines = (line for _, line in _lines(path))
    first = next(lines, None)
    if first is None:
        return
    delimiter = max(",;\t", key=first.count)
    header = [cell.strip().casefold() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    column = next((header.index(name) for name in PHONE_COLUMNS if name in header), None)
    if column is None and not any(c.isdigit() for c in first):
        raise JobError({"recipients": [f"{path.name}, line 1: has no column named phone"]})
    further = {header.index(name): name for name in ("text", "button_link") if name in header}
    rows = csv.reader(lines if column is not None else _chained(first, lines), delimiter=delimiter)
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        phone = cells[column or 0].strip() if len(cells) > (column or 0) else ""
        if column is None or not further:
            yield phone
        else:
            yield {"phone": phone, **{n: cells[i] for i, n in further.items() if i < len(cells) and cells[i]}}


def _chained(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(file, start=1)
    except UnicodeDecodeError:
        raise JobError({"recipients": [f"{path.name}: is not UTF-8 text"]}) from None
    except OSError as error:
        raise JobError({"recipients": [f"{path.name}: {error.strerror}"]}) from None
