"""Texts and links that values fill."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.jobs.templates import PLACE_PATTERN, Template, UnfilledError, template_problem

WORDS = st.text(st.characters(exclude_characters="{}|\r\n", exclude_categories=("Cs",)), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("Hello {name}, {points} points", {"name": " Анна ", "points": 150}, "Hello Анна, 150 points"),
        ("Hello {name|friend}!", {"name": "  "}, "Hello friend!"),
        ("Hello {name | friend }!", {}, "Hello friend!"),
        ("Hello {name|}!", None, "Hello !"),
        ("{Имя клиента}: { № }", {"Имя клиента": "Анна", "№": 0}, "Анна: 0"),
        ("{a}{a}{b}", {"a": "{b}", "b": 2.5}, "{b}{b}2.5"),
        ("100% {} { } { |x}", {}, "100% {} { } { |x}"),
    ],
)
def test_filled(text: str, values: dict[str, Any] | None, filled: str) -> None:
    assert Template.of_text(text).filled(values) == filled


@pytest.mark.parametrize("nothing", [None, "", " \u00a0", True, [], {}])
def test_what_is_no_value_is_missing(nothing: Any) -> None:
    with pytest.raises(UnfilledError, match=re.escape("has no value for {name}, {city}")):
        Template.of_text("{name} {points} {city} {name} {x|}").filled({"name": nothing, "points": 0})


def test_literal_braces() -> None:
    template = Template.of_text("Hello {name}", literal=True)
    assert (template.names, template.filled({"name": "Anna"})) == ((), "Hello {name}")


@pytest.mark.parametrize(
    ("link", "value", "filled"),
    [
        ("https://e.com/{x}", "a/b & c", "https://e.com/a%2Fb%20%26%20c"),
        ("https://e.com/?u={x}", "Анна", "https://e.com/?u=%D0%90%D0%BD%D0%BD%D0%B0"),
        ("https://e.com/{x|a b}", "", "https://e.com/a%20b"),
        ("{x}", "https://e.com/?a=1&b=2", "https://e.com/?a=1&b=2"),
        ("{x}/end", "https://e.com", "https://e.com/end"),
    ],
)
def test_links(link: str, value: str, filled: str) -> None:
    assert Template.of_link(link).filled({"x": value}) == filled


def test_double_braces() -> None:
    assert template_problem("{name} {x}") is None
    assert "single" in str(template_problem("{{name}}"))


@pytest.mark.parametrize(
    ("text", "brace"),
    [
        ("{name}, you have {points points", "{"),
        ("{name}, you have points} points", "}"),
        ("{name", "{"),
        ("a} {b}", "}"),
    ],
)
def test_a_brace_that_is_alone(text: str, brace: str) -> None:
    assert str(template_problem(text)).startswith(f"holds {brace} without its other brace")


@pytest.mark.parametrize(
    "cell",
    [
        "#N/A",
        "#Н/Д",
        "#VALUE!",
        "#ЗНАЧ!",
        "#ДЕЛ/0!",
        "#ИМЯ?",
        "######",
        '=HYPERLINK("http://x.by";"y")',
        "=СУММ(A1:A3)",
    ],
)
def test_what_a_spreadsheet_shows_in_place_of_a_value(cell: str) -> None:
    """Not even where there is a default: the cell should have had a value."""
    with pytest.raises(UnfilledError, match="is what a spreadsheet shows in place of a value"):
        Template.of_text("{name|friend}!").filled({"name": f" {cell} "})


@pytest.mark.parametrize("cell", ["#1", "# 5", "=)", "=5", "№ 7", "#best", "#"])
def test_what_only_looks_like_it(cell: str) -> None:
    assert Template.of_text("{name}!").filled({"name": cell}) == f"{cell}!"


@given(st.lists(st.tuples(WORDS, WORDS), max_size=5))
def test_what_stands_between_places_stays(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"{between}{{{name}}}" for between, name in parts if name.strip())
    values = {name.strip(): "v" for _, name in parts}
    expected = "".join(f"{between}v" for between, name in parts if name.strip())
    assert Template.of_text(text).filled(values) == expected


@given(st.text("{}| ab\n", max_size=30))
def test_every_place_fits_the_published_pattern(text: str) -> None:
    assert not Template.of_text(text).places or re.search(PLACE_PATTERN, text)
