"""Text stays text, whatever stands in it."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from campaigns.reports.markup import element, escaped, foreign, joined


class Reader(HTMLParser):
    """What a page's reader makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_no_text_becomes_a_tag_or_leaves_its_attribute(text: str) -> None:
    reader = Reader()
    reader.feed(element("p", text, title=text))
    assert [tag for tag, _ in reader.tags] == ["p"]
    assert list(reader.tags[0][1]) == ["title"]


def test_markup_is_kept() -> None:
    assert element("p", "a<", element("b", "&"), None, class_="x") == '<p class="x">a&lt;<b>&amp;</b></p>'
    assert joined("<", element("br")) == "&lt;<br>"


def test_nothing_turns_the_direction_of_the_page() -> None:
    assert escaped("a\u202eb\u2066c\x00d") == "a\\u202eb\\u2066c\\x00d"
    assert foreign("שלום") == "<bdi>שלום</bdi>"


def test_somebody_elses_words_are_cut() -> None:
    assert foreign("x" * 600, 10) == "<bdi>xxxxxxxxx…</bdi>"


def test_names_of_attributes() -> None:
    assert element("svg", view_box="0 0 1 1", aria_hidden="true") == '<svg viewBox="0 0 1 1" aria-hidden="true"></svg>'
