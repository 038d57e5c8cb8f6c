"""A page as its reader has it."""

from __future__ import annotations

from html.parser import HTMLParser

#: Elements that have no end.
_VOID = {"meta", "br", "link", "img", "base", "input"}
#: Attributes that make a browser load something.
_LOADING = {"src", "srcset", "href", "xlink:href", "data", "poster", "action", "formaction", "background", "ping"}


class Html(HTMLParser):
    """Tags with their attributes, texts, sections by their headings and the cells of tables.

    Words in pictures stand in `texts["svg"]` alone. Raises AssertionError if an element is not closed where it should
    be.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}  # by element: all that stands within elements of this name
        self.sections: dict[str, str] = {}  # by heading
        self.tables: dict[str, list[list[str]]] = {}  # by heading: rows of all its tables
        self._open: list[str] = []
        self._heading = ""
        self.feed(page)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        return self.texts.get("main", "")

    def loads(self) -> list[str]:
        """What a browser would ask for, but for the style sheet's own words. Links inside the page ask for nothing."""
        found = [str(value) for _, attributes in self.tags for name, value in attributes.items() if name in _LOADING]
        return [value for value in found if not value.startswith("#")]

    def numbers(self, heading: str) -> dict[str, list[str]]:
        """The rows of the tables under a heading, by their first cell."""
        return {row[0]: row[1:] for row in self.tables[heading]}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "h2":
            self._heading = ""
        elif tag == "tr":
            self.tables.setdefault(self._heading, []).append([])
        elif tag in {"th", "td"}:
            self.tables[self._heading][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "section":
            self._heading = ""

    def handle_data(self, data: str) -> None:
        if "svg" in self._open:
            self.texts["svg"] = self.texts.get("svg", "") + data
            return
        for tag in set(self._open):
            self.texts[tag] = self.texts.get(tag, "") + data
        if "h2" in self._open:
            self._heading += data
        elif "section" in self._open:
            self.sections[self._heading] = self.sections.get(self._heading, "") + data
        if "th" in self._open or "td" in self._open:
            self.tables[self._heading][-1][-1] += data
