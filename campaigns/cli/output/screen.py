"""The one place where the command prints. Foreign text is printed as text, never as control characters or markup.

Names, replies, the gateway's words and error trees pass through `campaigns.text.harmless` here and are never read as
rich's markup, so that no command has to think of it. Line breaks within a text are escaped; each line is one call.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.text import Text

from campaigns.text.harmless import UNSAFE, ascii_json, harmless, json_line, visible

#: Width where output is not a terminal: wide enough that lines stay whole, for grep and cut.
_PIPED_WIDTH: Final = 240


class Screen(Console):
    """A console that prints every text literally: no markup, no emoji codes, no control characters."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text literally; `[bold]` in a name is part of the name."""
        layout = {name: options[name] for name in ("justify", "overflow", "style") if options.get(name) is not None}
        return Text(harmless(text), **layout)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Any:
        """As rich renders it, with control characters escaped."""
        return super().render(_shown(renderable) if isinstance(renderable, Text) else renderable, options)


def _shown(text: Text) -> Text:
    """The text with its styles, and with control characters escaped."""
    if not UNSAFE.search(text.plain):
        return text
    shown, done = text.blank_copy(), 0
    for match in UNSAFE.finditer(text.plain):
        shown.append_text(text[done : match.start()])
        shown.append(visible(match[0]))
        done = match.end()
    return shown.append_text(text[done:])


_on_terminal = sys.stdout.isatty()
console: Final = Screen(highlight=False, soft_wrap=not _on_terminal, width=None if _on_terminal else _PIPED_WIDTH)


def print_json(value: Any) -> None:
    """One line of JSON on standard output, with escapes where the stream is not Unicode."""
    text = json_line(value)
    sys.stdout.write((text if _is_unicode(sys.stdout) else ascii_json(text)) + "\n")
    sys.stdout.flush()


def print_indented(line: str) -> None:
    """A line of text. A terminal wraps it under its own indentation."""
    text = line.lstrip(" ")
    indent = len(line) - len(text)
    console.print(Padding(Text(text), (0, 0, 0, indent)) if console.is_terminal else Text(line))


def print_line(line: str) -> None:
    """A line on standard output that is never wrapped, so that it can be copied."""
    sys.stdout.write(harmless(line) + "\n")


def print_text(text: str) -> None:
    """Text of the project itself on standard output, as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_lines(lines: Iterable[str]) -> None:
    """A file's own lines on standard output, as they are: each has its line break, and nothing harmful."""
    sys.stdout.writelines(lines)
    sys.stdout.flush()


def remark(line: str) -> None:
    """A line on standard error, never wrapped."""
    sys.stderr.write(harmless(line) + "\n")
    sys.stderr.flush()


def print_error(message: str) -> None:
    """One line on standard error that begins with the name of the command."""
    remark(f"campaigns: {message}")


def print_everything() -> None:
    """Print `?` for characters that the encoding of a stream lacks.

    Otherwise LC_ALL=C or PYTHONIOENCODING=ascii would end a command in the middle of its work.
    """
    for stream in (sys.stdout, sys.stderr):
        _replace_unknown_characters(stream)


def _is_unicode(stream: TextIO) -> bool:
    """Whether the encoding of the stream has every character."""
    return (stream.encoding or "").replace("-", "").lower() in {"utf8", "utf16", "utf32"}


def _replace_unknown_characters(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper) and stream.errors != "replace":
        stream.reconfigure(errors="replace")
