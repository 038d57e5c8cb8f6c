"""What sections are made of: parts, tables and commands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from campaigns.campaign_filters import state_words
from campaigns.reports.figures import Report
from campaigns.reports.language import Language
from campaigns.reports.markup import Markup, element, joined

#: A table cell: its content, and the class of its column.
NUMBER, TIME, WORD, TEXT = "number", "time", "word", None
#: From this number of rows on, a table may be divided between pages.
_LONG: Final = 15
#: Rows that a narrow window shows before unfolding. page.css has the same number.
_UNFOLDED: Final = 5
#: Elements that stay together on paper.
Part = tuple[Markup | None, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What a section shows: a report, in a language."""

    report: Report
    language: Language

    def section(self, name: str, title: str, *parts: Part) -> Markup:
        """A section of parts (a table or a picture with its introduction); a page break on paper never divides a part.

        `name` is for links to it.
        """
        first, *others = parts
        whole = [(element("h2", self.language.say(title)), *first), *others]
        return element("section", *(element("div", *part, class_="part") for part in whole if part), id=name)

    @property
    def state(self) -> str:
        """The state of the campaign, with what it would hide, as `campaigns status` shows it."""
        return ", ".join(self.language.say(words) for words in state_words(self.report.status).split(", "))

    def heading(self, title: str) -> Markup:
        """A heading inside a section."""
        return element("h3", self.language.say(title))

    def sentence(self, english: str, class_: str | None = None, /, **values: object) -> Markup:
        """A paragraph of one sentence."""
        return element("p", self.language.mixed(english, **values), class_=class_)

    def table(
        self, columns: Sequence[tuple[str, str | None]], rows: Sequence[Sequence[object]], *, stack: bool = True
    ) -> Markup:
        """A table whose first column names its rows. With `stack` each row becomes a block in narrow windows.

        A long one continues on the next page on paper; a narrow window shows its first rows until the reader unfolds
        it.
        """
        say = self.language.say
        head = element("tr", *(element("th", say(name), scope="col", class_=kind) for name, kind in columns))
        body = []
        for first, *others in rows:
            # An empty cell of a row that becomes a block would be a label without a value.
            cells = [
                element("td") if cell == "" and stack else element("td", cell, class_=kind, data_label=say(name))
                for cell, (name, kind) in zip(others, columns[1:], strict=True)
            ]
            body.append(element("tr", element("th", first, scope="row", class_=columns[0][1]), *cells))
        classes = " ".join(name for name, is_so in (("stack", stack), ("long", len(rows) > _LONG)) if is_so)
        table = element("table", element("thead", head), element("tbody", *body), class_=classes or None)
        if not stack or len(rows) <= _UNFOLDED:
            return table
        every = self.language.mixed("show all {number}", number=len(rows))
        more = element("label", element("input", type="checkbox"), " ", every)
        return element("div", table, more, class_="fold")


def command(text: str) -> Markup | None:
    """A command to be typed; None if there is none."""
    return element("code", text, class_="command") if text else None


def commanded(sentence: Markup, text: str) -> Markup:
    """A paragraph of a sentence with a command after it."""
    return element("p", joined(sentence, " "), command(text))
