"""The one place where the command prints. Whatever stands in a text, on a screen it is text.

Names, replies, the gateway's words and error trees come from others. They pass through `campaigns.text.harmless` here
and are never taken for rich's markup, so that no command has to think of it. A line is a line: our own line breaks
are calls of their own.
"""

from __future__ import annotations

import io
import sys
from typing import Any, Final, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.text import Text

from campaigns.text.harmless import UNSAFE, ascii_json, harmless, json_line, visible

#: What is not a terminal has no width: a line is a line there, for grep and cut.
_PIPED_WIDTH: Final = 240


class Screen(Console):
    """A console that takes every text as it is: no markup, no emoji codes, nothing that acts."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Text as it is; the `[bold]` of somebody's name is part of the name."""
        layout = {name: options[name] for name in ("justify", "overflow", "style") if options.get(name) is not None}
        return Text(harmless(text), **layout)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Any:
        """As rich renders it, after what would act was made visible."""
        return super().render(_shown(renderable) if isinstance(renderable, Text) else renderable, options)


def _shown(text: Text) -> Text:
    """The text with its styles, and with what would act written out."""
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
    """One line of JSON on standard output: whole, also where the stream knows ASCII only."""
    text = json_line(value)
    sys.stdout.write((text if _says_all(sys.stdout) else ascii_json(text)) + "\n")
    sys.stdout.flush()


def print_indented(line: str) -> None:
    """A line of text. On a terminal, what does not fit goes on under its beginning."""
    text = line.lstrip(" ")
    indent = len(line) - len(text)
    console.print(Padding(Text(text), (0, 0, 0, indent)) if console.is_terminal else Text(line))


def print_line(line: str) -> None:
    """A line on standard output that is never broken by us, so that it can be copied."""
    sys.stdout.write(harmless(line) + "\n")


def print_text(text: str) -> None:
    """Lines of our own on standard output, as they stand."""
    sys.stdout.write(text)
    sys.stdout.flush()


def remark(line: str) -> None:
    """A line on standard error, as it stands."""
    sys.stderr.write(harmless(line) + "\n")
    sys.stderr.flush()


def print_error(message: str) -> None:
    """One line on standard error."""
    remark(f"campaigns: {message}")


def print_everything() -> None:
    """Let the streams of this process print whatever comes: what their encoding does not know becomes `?`.

    A terminal or a pipe with LC_ALL=C or PYTHONIOENCODING=ascii must not end a command in the middle of its work.
    """
    for stream in (sys.stdout, sys.stderr):
        _replace_what_it_cannot_say(stream)


def _says_all(stream: TextIO) -> bool:
    """Whether the stream has bytes for every character."""
    return (stream.encoding or "").replace("-", "").lower() in {"utf8", "utf16", "utf32"}


def _replace_what_it_cannot_say(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper) and stream.errors != "replace":
        stream.reconfigure(errors="replace")
