"""The bytes of a file of recipients and their encoding, which is detected if it is certain and refused otherwise."""

from __future__ import annotations

import codecs
import io
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from campaigns.errors import JobError

_CHUNK: Final = 1 << 16
_SPOOLED: Final = 1 << 22
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Kinds of files that cannot be read, by their first bytes.
_OTHER_KINDS: Final = (
    (b"\xd0\xcf\x11\xe0", "is an old Excel file or one with a password: save it as .xlsx without one, or as CSV"),
    (b"\x1f\x8b", "is compressed: unpack it first"),
    (b"%PDF", "is a PDF: hand in CSV, JSON lines or .xlsx"),
    (b"{\\rtf", "is an RTF document: hand in CSV, JSON lines or .xlsx"),
)
ZIP: Final = b"PK\x03\x04"
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|table|\?xml|meta|head)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC_WORD = re.compile(r"[а-яёўіїєґ]+|[А-ЯЁЎІЇЄҐ][а-яёўіїєґ]*|[А-ЯЁЎІЇЄҐ]+")
_SHORT_WORD: Final = 2
_COMMON: Final = frozenset("оеаинтсрвлкмі")
#: The characters above ASCII that a Windows-1251 text may hold besides letters.
_MARKS_OF_1251: Final = frozenset("«»“”„‘’–—…№·•°±§©®™€\u00a0\u00ad")


def refused(name: str, line: int | None, reason: str) -> JobError:
    """The error for a file that is refused, with its name, the line (None: no single line) and the reason."""
    place = f"{name}, line {line}" if line is not None else name
    return JobError({"recipients": [f"{place}: {reason}"]})


class Source:
    """A path or an open binary file that can be read repeatedly; a stream is copied to a temporary file."""

    def __init__(self, file: Path | BinaryIO) -> None:
        self._file = file
        self._kept: IO[bytes] | None = None
        self.name = file.name if isinstance(file, Path) else Path(str(getattr(file, "name", "standard input"))).name
        self.suffix = Path(self.name).suffix.lower()

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open the bytes at their beginning. Raises JobError if the file cannot be read."""
        try:
            if isinstance(self._file, Path) and self._file.is_file():
                with self._file.open("rb") as file:
                    yield file
                return
            if self._kept is None:
                self._kept = self._spooled()
            self._kept.seek(0)
            yield self._kept
        except OSError as error:
            named = str(self._file) if isinstance(self._file, Path) else self.name
            raise refused(named, None, error.strerror or "cannot be read") from None

    def _spooled(self) -> IO[bytes]:
        kept = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 (lives as long as this object)
        weakref.finalize(self, kept.close)
        if isinstance(self._file, Path):
            with self._file.open("rb") as file:
                shutil.copyfileobj(file, kept)
        else:
            shutil.copyfileobj(self._file, kept)
        return kept

    def head(self) -> bytes:
        """The first 64 kB."""
        with self.opened() as file:
            return file.read(_CHUNK)


def text_lines(source: Source, encoding: str | None) -> Iterator[str]:
    """The lines of a text with their ends (LF, CR or both). Detects `encoding` if it is None. Raises JobError, before
    the first line, for bytes that are not text."""
    found = _checked(source, encoding) if encoding is not None else _encoding_of(source)
    with source.opened() as file:
        text = io.TextIOWrapper(file, encoding=found, newline="")
        try:
            for number, line in enumerate(text, start=1):
                if "\0" in line:
                    raise refused(source.name, number, "holds a NUL character, so it is not text")
                yield line.removeprefix("\ufeff") if number == 1 else line
        finally:
            if not text.closed:
                text.detach()


def _checked(source: Source, encoding: str) -> str:
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        raise refused(source.name, None, f"Python knows no encoding {encoding!r}; an example is windows-1251") from None
    line = _undecodable_line(source, encoding)
    if line is not None:
        raise refused(source.name, line, f"holds bytes that are not {encoding}")
    return encoding


def _encoding_of(source: Source) -> str:
    head = source.head()
    for mark, words in _OTHER_KINDS:
        if head.startswith(mark):
            raise refused(source.name, None, words)
    if _MARKUP.match(head):
        raise refused(source.name, None, "is a web page or XML, as some programs name .xls: save it as .xlsx or CSV")
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return _checked(source, encoding)
    if b"\0" in head and (wide := _wide(head)) is not None:
        return _checked(source, wide)
    line = _undecodable_line(source, "utf-8")
    if line is None:
        return "utf-8"
    if _is_windows_1251(_unusual(source)) and _undecodable_line(source, "windows-1251") is None:
        return "windows-1251"
    raise refused(
        source.name,
        line,
        "is not UTF-8, and its encoding is not certain: save the file as UTF-8, or name its encoding "
        "(--encoding windows-1251, or encoding='windows-1251')",
    )


def _wide(head: bytes) -> str | None:
    """UTF-16 without a byte order mark, recognised by NUL in every second byte of ASCII and nowhere else; or None."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    most = len(head) // 10
    if odd > most and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > most and odd == 0 else None


def _undecodable_line(source: Source, encoding: str) -> int | None:
    """The first line whose bytes do not decode in this encoding; None if all do."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, carriage = 1, False
    with source.opened() as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return lines + _ends(error.object[: error.start].decode(encoding, "ignore"))
            except UnicodeError:
                return lines
            lines += _ends(text) - (carriage and text.startswith("\n"))
            carriage = text.endswith("\r")
            if not chunk:
                return None


def _ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _unusual(source: Source) -> bytes:
    """The first 64 kB or so of lines with bytes beyond ASCII."""
    found: list[bytes] = []
    size = 0
    with source.opened() as file:
        while size < _CHUNK and (line := file.readline(_CHUNK)):
            if not line.isascii():
                found.append(line)
                size += len(line)
    return b"".join(found)


def _is_windows_1251(data: bytes) -> bool:
    """Whether bytes are Cyrillic text in Windows-1251, for certain.

    A wrong guess would send people unreadable texts. Read as Windows-1251, Western texts mix letters of both scripts
    in a word, KOI8-R swaps upper and lower case, and DOS and Macintosh code pages show signs in place of letters. In
    each case the letters that are frequent in Russian or Belarusian are no longer the frequent ones.
    """
    try:
        text = data.decode("windows-1251")
    except UnicodeDecodeError:
        return False
    if any(c > "\x7f" and not c.isalpha() and c not in _MARKS_OF_1251 for c in text):
        return False
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    sound = sum(_CYRILLIC_WORD.fullmatch(word) is not None for word in words)
    rivals = (_likelihood(data.decode(other, "replace")) for other in ("koi8-r", "cp866"))
    likelihood = _likelihood(text)
    # Single letters prove nothing, because dashes of other code pages are letters here.
    certain = any(len(word) > _SHORT_WORD for word in words)
    return certain and sound >= 0.95 * len(words) and likelihood >= 0.8 and likelihood > max(rivals)


def _likelihood(text: str) -> float:
    """How much a text resembles Russian or Belarusian (0 to 1.4): its shares of frequent and of lower-case letters."""
    letters = [c for c in text if c > "\x7f" and c.isalpha()]
    common = sum(c.lower() in _COMMON for c in letters)
    return (common + 0.4 * sum(c.islower() for c in letters)) / len(letters) if letters else 0.0
