"""Recipient files and phones at random, each with what a person who wrote it would say stands in it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

#: The cell makes the whole file one that must be refused: a spreadsheet has lost digits of the phone.
LOST: Final = "lost"
#: What is meant is unknown; digits may only not be invented.
ANYTHING: Final = "anything"

_PHONE_NAMES: Final = ("phone", "Phone", "PHONE ", "Телефон", "Номер телефона", "Mobile_Phone", "тел.", "msisdn")
_TEXT_NAMES: Final = ("text", "Text", "Текст", "message", "Сообщение")
_ASIDE: Final = ("УНП", "Имя", "Дата", "id", "Город", "Сумма, руб.", "", "Client code", "Скидка; %")
_WORDS: Final = (
    "Добрый", "день", "Анна", "скидка", "до", "пятницы", "заказ", "готов", "Ваш", "приходите", "сегодня", "магазин",
    "hello", "order", "ready", "naïve", "ўчора", "Їжак", "😀", "№1", "«Скидки»", "–", "50%", "10.05", "\u200b", "ещё",
)  # fmt: skip
_PIECES: Final = (
    ";", ",", "\t", "|", '"', '""', "'", "\n", "\r\n", "\r", "\n375291234567;да", "\n+375 29 123 45 67", "=", "sep=;", "#",
    " 80291234567 ", "\\", "\u2028", "\x85", "\x0b", "\x1f", "{", "[1]", "E+11", "\ufeff", "https://e.com/?a=1;b=2",
)  # fmt: skip
_LETTERS: Final = ("O", "О", "l", "x", "*", "?", "#", "_", "X", "з", "²", "Ⅳ", "①", "~", "e", "♥")
_ENCODINGS: Final = ("utf-8",) * 8 + ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32") + ("cp1251",) * 4
#: Without the one of old Macintoshes: its small letters are those of Windows-1251, and only signs differ.
_OTHER_ENCODINGS: Final = ("koi8-r", "cp866", "iso8859-5", "cp1252", "latin-1", "cp1250")
#: Those in which a file that is written soundly must be read.
CERTAIN: Final = frozenset(("utf-8", "utf-8-sig", "utf-16", "utf-32"))
_NOISE: Final = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b'"', b"\r", b"\n", b";", b",", b"\t", b"|", b"=", b"'", b"\xc2\xa0",
    b"E+11", b"###", b"PK\x03\x04", b"{", b"[", b"sep=,\n", b"\x1a", b"\xd0", b"\x85", b"0", b"8", b"\xe2\x80\xae",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of a cell, and the phone that it means: None for none, or LOST or ANYTHING."""

    text: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """A file, how it is to be read, and the people in it, each with the text."""

    data: bytes
    name: str
    people: list[tuple[Cell, str]]
    columns: dict[str, str | int] = field(default_factory=dict)
    fields: frozenset[str] = frozenset(("phone",))
    #: Whether it leaves no doubt, so that a refusal is wrong.
    certain: bool = False
    #: Whether cells have moved or bytes have changed, so that what must be read is unknown.
    changed: bool = False


def cell(random: Random) -> Cell:
    """A phone in some spelling, sound, dressed up by a spreadsheet, or damaged."""
    phone = _mobile(random)
    kind = random.random()
    if kind < 0.62:
        return Cell(_dressed(random, _spelled(random, phone)), phone)
    if kind < 0.70:
        return Cell(_by_spreadsheet(random, phone), phone)
    return _damaged(random, phone)


def _mobile(random: Random) -> str:
    if random.random() < 0.9:
        return f"375{random.choice(('25', '29', '33', '44'))}{random.randrange(10**7):07d}"
    return random.choice((f"79161{random.randrange(10**6):06d}", f"48501{random.randrange(10**6):06d}",
                          f"38067{random.randrange(10**7):07d}"))  # fmt: skip


def _spelled(random: Random, phone: str) -> str:
    """Groups of digits behind a prefix, with one separator or several kinds between them."""
    if not phone.startswith("375"):
        return random.choice(("+", "00", "", "+ ")) + random.choice(("", " ", "-")).join(
            (phone[:4], phone[4:7], phone[7:])
        )
    area, rest = phone[3:5], phone[5:]
    prefix = random.choice(("375", "+375", "00375", "+375 (0)", "8 0", "80", "0", "8-0", "(375)", "+(375)", "8 (0"))
    groups = random.choice(((3, 2, 2), (7,), (3, 4), (2, 2, 3), (1, 2, 2, 2)))
    between = random.choice((" ", "-", "", "", ".", "\u00a0", "\u2011", "–", "  ", " - "))
    parts, at = [], 0
    for length in groups:
        parts.append(rest[at : at + length])
        at += length
    closed = ")" if prefix.endswith("(0") else ""
    around = random.choice((("", ""), (" ", " "), ("(", ")"), ("-", "-"), ("", " "))) if not closed else ("", closed)
    return prefix + around[0] + area + around[1] + between.join(parts)


def _dressed(random: Random, text: str) -> str:
    if random.random() < 0.75:
        return text
    return random.choice(
        (
            f"\u202a{text}\u202c",
            f" {text}\u00a0",
            f"'{text}",
            text.translate({48 + n: 0xFF10 + n for n in range(10)}),
            text.translate({48 + n: 0x660 + n for n in range(10)}),
            text[:4] + "\u200b" + text[4:],
        )
    )


def _by_spreadsheet(random: Random, phone: str) -> str:
    return random.choice(
        (
            f'="{phone}"',
            f'="+{phone}"',
            f"={phone}",
            f"{phone}.0",
            f"{phone},00",
            f"{phone[0]}.{phone[1:]}E+{len(phone) - 1}",
            f"{phone[0]},{phone[1:]}E+{len(phone) - 1}",
        )
    )


def _damaged(random: Random, phone: str) -> Cell:
    spelled, at = _spelled(random, phone), random.randrange(len(phone))
    letter, between = random.choice(_LETTERS), random.choice((" ", ", ", "/", "; ", "\n", " и ", "+"))
    return random.choice(
        (
            Cell(random.choice(("", " ", "-", "нет", "n/a", "unknown", "0", "\u00a0", "—")), None),
            Cell(phone[:at] + letter + phone[at + 1 :], None),
            Cell(spelled[:-3] + letter * 3, None),
            Cell(f"{phone[0]},{phone[1:6]}E+11", LOST),
            Cell(f"{phone[0]}.{phone[1:3]}e+11", LOST),
            Cell("#" * random.randrange(3, 12), LOST),
            Cell(spelled + between + _mobile(random), None),
            Cell(f"37517{2_000_000 + random.randrange(999_999)}", None),
            Cell(phone[:at] + phone[at + 1 :], ANYTHING),
            Cell(phone[:at] + random.choice("0123456789+.()") + phone[at:], ANYTHING),
            Cell("".join(random.choices("0123456789+-() .,/8E=\"'x", k=random.randrange(24))), ANYTHING),
        )
    )


def _text(random: Random) -> str:
    words = random.choices(_WORDS, k=random.randrange(1, 9))
    for _ in range(random.choice((0, 0, 0, 1, 1, 3))):
        words.insert(random.randrange(len(words) + 1), random.choice(_PIECES))
    text = random.choice((" ", " ", " ", "")).join(words)
    return text * random.randrange(2000) if random.random() < 0.001 else text


def table(random: Random) -> Written:
    """A table as text, in one of the usual forms."""
    delimiter = random.choice(";;;,,\t|")
    personal = random.random() < 0.5
    people = [(cell(random), _text(random) if personal else "") for _ in range(random.choice((1, 1, 2, 3, 8)))]
    if random.random() < 0.7:  # mostly sound ones, since one lost phone refuses the whole file
        people = [(c if c.phone != LOST else Cell("375291234567", "375291234567"), text) for c, text in people]
    header = personal or random.random() < 0.7
    names, columns = _header(random, personal=personal)
    place = names.index("phone")
    shown = [
        random.choice(_PHONE_NAMES) if n == "phone" else random.choice(_TEXT_NAMES) if n == "text" else n for n in names
    ]
    if columns:
        shown[place] = "Контакт 1"
    rows = [_row(random, names, person) for person in people]
    lines = ([shown] if header else []) + rows
    odd = _ragged(random, lines) if random.random() < 0.05 else False
    encoding, data = _encoded(random, _joined(random, lines, delimiter))
    if len(names) == 1:  # what a single column is divided by shows only where nothing else could divide
        sound = header and not any(sign in "".join(one.text for one, _ in people) for sign in ";\t,|")
    else:
        sound = header
    sound &= not odd and encoding in CERTAIN and not any(_is_doubtful(c, text) for c, text in people)
    fields = frozenset(("phone", "text") if personal else ("phone",))
    chosen: dict[str, str | int] = {"phone": random.choice(("Контакт 1", place + 1))} if columns and header else {}
    return Written(data, random.choice(("people.csv", "a.txt", "x")), people, chosen, fields, sound, odd)


def _is_doubtful(one: Cell, text: str) -> bool:
    """Whether a refusal may be right: of a phone that lost digits, or of lines that could be rows of their own."""
    return one.phone in {LOST, ANYTHING} or any(end in part for part in (text, one.text) for end in "\n\r")


def _header(random: Random, *, personal: bool) -> tuple[list[str], bool]:
    names = random.sample(_ASIDE, random.choice((0, 0, 1, 2, 4)))
    names.insert(random.randrange(len(names) + 1), "phone")
    if personal:
        names.insert(random.randrange(len(names) + 1), "text")
    return names, random.random() < 0.15


def _row(random: Random, names: Sequence[str], person: tuple[Cell, str]) -> list[str]:
    one, text = person
    aside = ("191234567", "Анна", "01.02.2024", "17", "Минск", "1 234,50", "", 'ООО "Ромашка"')
    return [one.text if n == "phone" else text if n == "text" else random.choice(aside) for n in names]


def _ragged(random: Random, lines: list[list[str]]) -> bool:
    row = random.choice(lines)
    if random.random() < 0.5 and len(row) > 1:
        row.pop()
    else:
        row.insert(random.randrange(len(row) + 1), random.choice(("", "x", "375291111111")))
    return True


def _joined(random: Random, lines: list[list[str]], delimiter: str) -> str:
    end, always = random.choice(("\n", "\r\n", "\r\n", "\r")), random.random() < 0.2
    text = end.join(delimiter.join(_quoted(c, delimiter, always=always) for c in row) for row in lines)
    if random.random() < 0.1:
        text = f"sep={delimiter}{end}{text}"
    return text + random.choice(("", end, end * 3, end + delimiter * 2 + end))


def _quoted(text: str, delimiter: str, *, always: bool) -> str:
    if always or any(sign in text for sign in (delimiter, '"', "\n", "\r")) or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _encoded(random: Random, text: str) -> tuple[str, bytes]:
    encoding = random.choice(_OTHER_ENCODINGS if random.random() < 0.1 else _ENCODINGS)
    try:
        return encoding, text.encode(encoding)
    except UnicodeEncodeError:
        return "utf-8", text.encode()


def json_lines(random: Random) -> Written:
    """One phone or one object a line."""
    people = [(cell(random), _text(random)) for _ in range(random.randrange(1, 5))]
    personal = random.random() < 0.5
    rows: list[Any] = [{"phone": c.text, "text": text} if personal else c.text for c, text in people]
    lines = [json.dumps(row, ensure_ascii=random.random() < 0.5) for row in rows]
    end = random.choice(("\n", "\r\n", "\n\n"))
    data = random.choice(("", "\ufeff")) + end.join(lines) + random.choice(("", end))
    return Written(
        data.encode(), "people.jsonl", people, {}, frozenset(("phone", "text") if personal else ("phone",)), True
    )


def mutated(random: Random, data: bytes) -> bytes:
    """A file with some of its bytes cut, doubled, replaced or joined by others."""
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(data) + 1)
        to = min(len(data), at + random.randrange(12))
        piece = random.choice((random.choice(_NOISE), random.randbytes(random.randrange(4))))
        match random.randrange(5):
            case 0:
                data = data[:at] + data[to:]
            case 1:
                data = data[:at]
            case 2:
                data = data[:to] + data[at:]
            case 3:
                data = data[:at] + piece * random.choice((1, 1, 1, 2, 30)) + data[at:]
            case _:
                data = data[:at] + piece + data[to:]
    if random.random() < 0.002:
        data += random.choice((b"7", b'"', b";", b" ", b"\n", b"1;", b"-")) * 200_000
    return data


def digits_of(text: str) -> str:
    """The decimal digits of a text in any script, as ASCII."""
    found = (unicodedata.decimal(character, None) for character in text)
    return "".join(str(digit) for digit in found if digit is not None)
