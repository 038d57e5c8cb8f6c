"""Recipient files, lists and single phones, sound and damaged, against what stands in them.

What is read is what was written, or the file is refused; a refusal names no phone; no phone is made of anything but
the digits of its own cell.
"""

from __future__ import annotations

import io
import re
import signal
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from types import FrameType
from typing import Any, Final
from xml.sax.saxutils import unescape

from openpyxl import Workbook

from campaigns.errors import JobError
from campaigns.recipients import RecipientFile, listed_phones, mobile_phone, mobile_phones, normalise_phone
from tests.fuzz import recipient_inputs as inputs
from tests.fuzz.recipient_inputs import ANYTHING, LOST, Cell, Written, digits_of

#: Two hundred thousand cells of an opt-out file take two seconds.
_LONGEST_S: Final = 10.0
_REGIONS: Final = ("BY",) * 6 + ("RU", "UA", "PL", "KZ", "US", "GB", "LT", "CN", "XX")
#: What may stand before a national number: a way out of the country, the country's code, a trunk prefix.
_BEFORE: Final = r"(?:00|810|011)?(?:{code})?(?:0|8|80|1)?"
_EXPONENT: Final = re.compile(r"([0-9])[.,]([0-9]+)\s*[EeЕе]\s*\+?([0-9]{1,2})")
_ENDS: Final = re.compile(r"\r\n|\r|\n")
_READINGS: Final = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1251")


def run(count: int, seed: int) -> int:
    """Try `count` files, lists and phones. Raises AssertionError, which shows the first that went wrong."""
    random = Random(seed)
    before = signal.signal(signal.SIGVTALRM, _stop)
    try:
        for number in range(count):
            kind = random.random()
            case, tried = next((case, tried) for share, case, tried in _KINDS if kind < share)
            given = case(random)
            signal.setitimer(signal.ITIMER_VIRTUAL, _LONGEST_S)
            try:
                tried(given)
            except Exception as error:
                shown = f"{given!r:.3000}"
                raise AssertionError(f"seed {seed}, input {number}, {tried.__name__}: {error!r}\n{shown}") from error
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return count


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End an input that takes too long, by the time of the processor alone; nothing that is tried catches this error."""
    raise AssertionError(f"takes longer than {_LONGEST_S} s")


class _File(io.BytesIO):
    """Bytes under a file's name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def _opened(written: Written) -> RecipientFile:
    file = RecipientFile(_File(written.data, written.name), columns=written.columns or None)
    return file.asking(written.fields, "BY")


def _read(written: Written) -> list[tuple[int, Any]] | None:
    """The rows with their lines; None if the file is refused, which names no phone. Raises AssertionError if it does."""
    try:
        return list(_opened(written).numbered())
    except JobError as error:
        _names_nobody(error, written)
        return None


def _refusal(written: Written) -> str:
    try:
        list(_opened(written).numbered())
    except JobError as error:
        return str(error)
    return ""


def _names_nobody(error: JobError, written: Written) -> None:
    assert error.__suppress_context__ or error.__context__ is None, "another error's words are kept"
    said = digits_of(f"{error!r} {error.errors}")
    for one, _ in written.people:
        digits = digits_of(one.text)
        assert len(digits) < 9 or digits[-9:] not in said, "a phone is said"
    assert error.lines
    assert all(written.name in line or line.startswith("columns") for line in error.lines), error.lines


def check_phones(cells: list[Cell], region: str) -> None:
    """Each phone means what it was written for, alone and among others; nothing is invented."""
    together = mobile_phones([one.text for one in cells], region)
    for one, phone in zip(cells, together, strict=True):
        assert phone == mobile_phone(one.text, region), "alone and among others differ"
        anyone = normalise_phone(one.text, region)
        assert phone in {None, anyone}, "a mobile phone is no phone"
        if anyone is not None:
            _stands_in(anyone, one.text)
        if region == "BY":
            _means(phone, one)


def _means(phone: str | None, one: Cell, *, in_table: bool = False) -> None:
    if one.phone == ANYTHING or (_by_spreadsheet(one) and not in_table):
        return
    if phone is None and re.search(r"\d{7}[.,]", one.text):
        return  # it may be a number with decimals
    assert phone == (None if one.phone == LOST else one.phone), f"{one} is read as {phone}"


def _by_spreadsheet(one: Cell) -> bool:
    """Whether only a table understands the spelling."""
    return one.text.startswith("=") or _EXPONENT.search(one.text) is not None


def _stands_in(phone: str, source: str) -> None:
    """The digits of a phone are those of its source, but for the country's code and what dialling puts before."""
    source = re.sub(r"\A\s*(\+?[0-9]{7,})[.,]0+\s*\Z", r"\1", source)
    assert not any(c.isalpha() or c in "*#?_" for c in source), f"{phone} from letters"
    digits = digits_of(source)
    for length in (0, 1, 2, 3):
        code, national = phone[:length], phone[length:]
        if digits.endswith(national) and re.fullmatch(_BEFORE.format(code=code), digits[: -len(national)]):
            return
    raise AssertionError(f"{phone} is invented")


def check_written(written: Written) -> None:
    """A file is read as it was written, or refused; one that leaves no doubt is read."""
    rows = _read(written)
    if rows is None:
        assert not written.certain, f"a sound file is refused: {_refusal(written)}"
    elif not written.changed:
        _same_people(rows, written.people, written)


def _same_people(rows: Sequence[tuple[int, Any]], people: Sequence[tuple[Cell, str]], written: Written) -> None:
    read = [row if isinstance(row, dict) else {"phone": row} for _, row in rows]
    if len(read) != len(people):  # a row of nothing but delimiters may count as one or not
        people = [p for p in people if p[0].text.strip(" \u00a0;,|") or p[1].strip()]
        read = [row for row in read if row["phone"].strip(" \u00a0;,|") or row.get("text", "").strip()]
    assert len(read) == len(people), f"{len(read)} rows of {len(people)}"
    for row, (one, text) in zip(read, people, strict=True):
        phone = mobile_phone(row["phone"], "BY")
        if written.name.endswith(".jsonl"):
            _means(phone, one)
        else:
            _means(phone, one, in_table=True)
        if "text" in written.fields:
            assert row.get("text", "").strip(" ") == text.strip(" "), f"{row} is not {text!r}"


def check_mutated(written: Written) -> None:
    """Whatever the bytes: our errors only, lines in order, and every phone stands in the lines of its row."""
    rows = _read(written)
    if rows is None:
        return
    places = [line for line, _ in rows]
    assert places == sorted(set(places)), "lines out of order"
    readings = [_ENDS.split(written.data.decode(encoding, "replace")) for encoding in _READINGS]
    for number, (line, row) in enumerate(rows):
        cell = row.get("phone", "") if isinstance(row, dict) else row
        if not isinstance(cell, str) or (phone := mobile_phone(cell, "BY")) is None:
            continue
        end = places[number + 1] - 1 if number + 1 < len(places) else None
        spans = ("\n".join(lines[line - 1 : end]) for lines in readings)
        assert any(_in_span(phone, span) for span in spans), f"{phone} does not stand in line {line}"


def _in_span(phone: str, span: str) -> bool:
    span = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), span)  # a sign in JSON
    whole = digits_of(_EXPONENT.sub(lambda m: f" {m[1]}{m[2][: int(m[3])]} ", span))
    return phone[3:] in whole


def check_listed(written: Written) -> None:
    """Opt-outs: every phone of every line, or the line is named."""
    try:
        listed = list(listed_phones(_opened(written), "BY"))
    except JobError as error:
        _names_nobody(error, written)
        return
    found = {phone for one in listed for phone in one.phones}
    problems = sum(one.problem is not None for one in listed)
    missed = sum(1 for one, _ in written.people if one.phone not in {None, LOST, ANYTHING} and one.phone not in found)
    assert written.changed or missed <= problems, f"{missed} phones are missed, {problems} lines are named"
    for one in listed:
        assert one.phones or one.problem, f"line {one.line} says nothing"
        assert not re.search("[0-9]{9}", one.problem or ""), "a phone is said"


def check_workbook(written: Written) -> None:
    """A sound workbook is read as it was written; in a damaged one each phone stands in one text of the XML."""
    rows = _read(written)
    if rows is None:
        doubt = written.changed or any(one.phone in {LOST, ANYTHING} for one, _ in written.people)
        assert doubt, f"a sound workbook is refused: {_refusal(written)}"
    elif not written.changed:
        _same_people(rows, written.people, written)
    elif zipfile.is_zipfile(io.BytesIO(written.data)):
        with zipfile.ZipFile(io.BytesIO(written.data)) as archive:
            sheets = [archive.read(name).decode() for name in archive.namelist() if "sheet1" in name]
        runs = [run for sheet in sheets for run in re.split("<[^>]*>", sheet)]
        for _, row in rows:
            phone = mobile_phone(row["phone"], "BY")
            assert phone is None or any(_in_span(phone, unescape(run)) for run in runs), f"{phone} is in no cell"


def _workbook(random: Random) -> Written:
    people = [(inputs.cell(random), "hello") for _ in range(random.randrange(1, 4))]
    book, kept = Workbook(), io.BytesIO()
    sheet: Any = book.active
    sheet.append(["Имя", "Телефон", "text"])
    for one, text in people:
        is_number = one.text == one.phone and random.random() < 0.7
        shown = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", one.text)
        sheet.append(["x", random.choice((int, float))(shown) if is_number else shown, text])
        if not is_number:
            sheet.cell(sheet.max_row, 2).data_type = "s"  # also where it looks like a formula
    book.save(kept)
    data = kept.getvalue()
    changed = random.random() < 0.7
    if changed:
        data = _damaged_workbook(random, data) if random.random() < 0.7 else inputs.mutated(random, data)
    return Written(data, "people.xlsx", people, {}, frozenset(("phone", "text")), changed=changed)


def _damaged_workbook(random: Random, data: bytes) -> bytes:
    """A workbook that is sound as an archive, with one of its documents mutated or missing."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(kept, "w") as copy:
        victim = random.choice([name for name in archive.namelist() for _ in range(1 + 5 * ("sheet1" in name))])
        for name in archive.namelist():
            content = archive.read(name)
            if name == victim:
                if random.random() < 0.1:
                    continue
                content = inputs.mutated(random, content)
            copy.writestr(name, content)
    return kept.getvalue()


def _some_bytes(random: Random) -> Written:
    build: Callable[[Random], Written] = random.choice((inputs.table, inputs.table, inputs.json_lines))
    written = build(random)
    data = inputs.mutated(random, written.data)
    return Written(data, written.name, written.people, written.columns, written.fields, changed=True)


def _try_phones(given: tuple[list[Cell], str]) -> None:
    check_phones(*given)


_KINDS: Final[tuple[tuple[float, Callable[[Random], Any], Callable[[Any], None]], ...]] = (
    (0.40, lambda r: ([inputs.cell(r) for _ in range(r.randrange(1, 6))], r.choice(_REGIONS)), _try_phones),
    (0.60, inputs.table, check_written),
    (0.65, inputs.json_lines, check_written),
    (0.82, _some_bytes, check_mutated),
    (0.92, inputs.table, check_listed),
    (0.99, _some_bytes, check_listed),
    (1.00, _workbook, check_workbook),
)  # fmt: skip
