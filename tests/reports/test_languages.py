"""The languages of the page."""

from __future__ import annotations

import ast
import html
from collections.abc import Iterable, Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

import campaigns.reports
from campaigns.evaluation import words
from campaigns.ledger.states import BatchState, CampaignState
from campaigns.recipients.exclusions import Exclusion
from campaigns.reports import COLUMNS, MAILING_COLUMNS, page
from campaigns.reports.figures import CLASSES
from campaigns.reports.language import ENGLISH, said
from campaigns.reports.markup import Markup
from campaigns.reports.russian import RUSSIAN
from campaigns.reports.russian_texts import TEXTS
from campaigns.reports.russian_words import NOUNS, WORDS
from campaigns.reports.timeline import KINDS
from campaigns.reports.window_words import window_words
from campaigns.statuses import MEANINGS, meaning_of
from campaigns.times.windows import RECIPIENT, WEEKDAYS, Window
from tests.reports.test_layout import report
from tests.support.html import Html

ROOM = Path(campaigns.reports.__file__).parent
#: Methods and functions whose first text is a sentence of the page, and those whose second is.
FIRST, SECOND = {"say", "mixed", "sentence", "said", "heading", "Step"}, {"counted", "section"}


def sentences() -> Iterator[str]:
    """What code of the room says, as far as it is written where it is said."""
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            arguments = node.args[:1] if name in FIRST else node.args[1:2] if name in SECOND else []
            yield from (a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str))


def labels() -> set[str]:
    """What code says of enums and constants."""
    enums = {member.label for enum in (BatchState, Exclusion) for member in enum} | set(CampaignState)
    compared = {words.BEYOND, words.MAYBE, words.ALONE, words.TOGETHER, words.AT_RANDOM, words.OPEN_YET}
    return (
        enums
        | set(CLASSES.values())
        | set(WEEKDAYS)
        | set(MEANINGS.values())
        | set(KINDS)
        | compared
        | {meaning_of("NO SUCH WORD")}
    )


@pytest.mark.parametrize("text", sorted({*sentences(), *labels()} - set(NOUNS)))
def test_everything_can_be_said_in_russian(text: str) -> None:
    assert text in TEXTS or text in WORDS


def test_a_russian_page_has_no_english_sentence() -> None:
    """Of a campaign of which there is something in every section."""
    russian = Html(page(report(20), "ru"))
    assert russian.tags[0] == ("html", {"lang": "ru"})
    english = {text for text in TEXTS if len(text) > 3 and "{" not in text}
    assert {heading for heading in russian.sections if heading in english} == set()
    assert not [text for text in english if text in russian.text and TEXTS[text] != text and " " in text]


@pytest.mark.parametrize("text", sorted(TEXTS))
def test_places_are_the_same(text: str) -> None:
    def places(template: str) -> list[str]:
        return sorted(name for _, name, _, _ in Formatter().parse(template) if name)

    assert places(TEXTS[text]) == places(text)


def test_no_text_is_there_twice() -> None:
    assert set(TEXTS) & set(WORDS) == set()


@pytest.mark.parametrize(
    ("number", "words_"),
    [(1, "1 сообщение"), (2, "2 сообщения"), (5, "5 сообщений"), (11, "11 сообщений"), (14, "14 сообщений"),
     (21, "21 сообщение"), (112, "112 сообщений"), (1_234_563, "1 234 563 сообщения"), (0, "0 сообщений")],
)  # fmt: skip
def test_russian_nouns(number: int, words_: str) -> None:
    assert RUSSIAN.counted(number, "message").replace("\u00a0", " ") == words_


def test_russian_numbers() -> None:
    said_ = [
        RUSSIAN.share(941, 1000), RUSSIAN.share(1, 10_000), RUSSIAN.percent(0.1214), RUSSIAN.decimal(-1.25),
        RUSSIAN.money(Decimal("1234.5"), "EUR"), RUSSIAN.moment(1_777_864_000_000, ZoneInfo("Europe/Minsk")),
        RUSSIAN.length(300), RUSSIAN.moneys({"BYN": Decimal(1), "EUR": Decimal(2)}),
    ]  # fmt: skip
    assert [text.replace("\u00a0", " ") for text in said_] == [
        "94,1 %", "&lt;0,1 %", "12,1 %", "−1,2", "1 234,50 EUR", "04.05.2026 06:06:40", "5 минут",
        "1,00 BYN и 2,00 EUR",
    ]  # fmt: skip


@pytest.mark.parametrize("language", [ENGLISH, RUSSIAN])
def test_times_that_no_calendar_has(language: object) -> None:
    assert language.moment(10**17, UTC) == f"{10**17} ms"  # type: ignore[attr-defined]


def test_values_stay_text() -> None:
    filled = RUSSIAN.mixed("Account {account} is paused: {reason}.", account="<b>", reason=Markup("<i>x</i>"))
    assert filled == "Аккаунт <bdi>&lt;b&gt;</bdi> приостановлен: <i>x</i>."
    assert ENGLISH.filled(said("{number} of {all}", number=1234, all=said("None."))) == "1,234 of None."


@pytest.mark.parametrize(
    ("days", "zone", "russian"),
    [
        (range(7), "Europe/Minsk", "с 09:00 до 20:00, Europe/Minsk"),
        ((0, 4), RECIPIENT, "с 09:00 до 20:00, пн, пт, все часовые пояса страны получателя"),
    ],
)
def test_windows(days: Iterable[int], zone: str, russian: str) -> None:
    window = Window((540, 1200), frozenset(days), zone)
    assert text_of(ENGLISH.filled(window_words(window))) == str(window)
    assert text_of(RUSSIAN.filled(window_words(window))) == russian


def text_of(markup: Markup) -> str:
    return html.unescape(markup.replace("<bdi>", "").replace("</bdi>", ""))


def test_no_other_language() -> None:
    with pytest.raises(ValueError, match="'de'; there are en, ru"):
        page(report(3), "de")


def test_every_column_has_a_russian_name() -> None:
    """Those of a table differ, so that a spreadsheet can tell them apart."""
    for columns in (COLUMNS, MAILING_COLUMNS):
        assert len({RUSSIAN.column(name) for name in columns}) == len(columns)
        assert [ENGLISH.column(name) for name in columns] == list(columns)
