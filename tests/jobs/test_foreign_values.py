"""Values that JSON can hold and no message can: the check names each with its place, and raises only JobError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.jobs.sample import changed, lines, load
from tests.support.jobs import quick_job, sample_job


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (lambda: changed("messages", 3, "content", "text", value="Sale \ud83d"), "messages[3].content.text: holds half a character at place 6, as of an emoji that was cut in two"),
        (lambda: changed("name", value="\ud83d"), "name: holds half a character at place 1, as of an emoji that was cut in two"),
        (lambda: changed("messages", 3, "delivery_list", value=["\ud83d"]), "messages[3].delivery_list[0]: holds half a character at place 1, as of an emoji that was cut in two"),
        (lambda: changed("messages", 3, "delivery_list", value=[2**70]), "messages[3].delivery_list[0]: is too large a number"),
        (lambda: changed("messages", 0, "alphaname_id", value=2**64), "messages[0].alphaname_id: is too large a number"),
        (lambda: changed("messages", 0, "schedule_time", value="9999-12-31T23:59:59Z"), "messages[0].schedule_time: lies outside of the years 1970 to 9998"),
        (lambda: changed("messages", 0, "schedule_time", value="0001-01-01T00:00:00"), "messages[0].schedule_time: lies outside of the years 1970 to 9998"),
        (lambda: changed("messages", value=[1] * 1_000_000), "messages: has 1,000,000 mailings, more than 10,000"),
        (lambda: changed("messages", 2, "content", "button_link", value="https://e.com/\x00"), "messages[2].content.button_link: holds a NUL character"),
        (lambda: changed("messages", 2, "content", "button_link", value="https://e.com/\x1b[0m"), "messages[2].content.button_link: holds a control character or another invisible one"),
        (lambda: changed("messages", 2, "content", "button_link", value="https://e.com/\u202egpj.exe"), "messages[2].content.button_link: holds a control character or another invisible one"),
        (lambda: changed("messages", 2, "content", "button_link", value="https://e.com:99999/"), "messages[2].content.button_link: has a host or a port that cannot be: a port is a number up to 65535"),
        (lambda: changed("messages", 0, "delivery_list", 0, "button_link", value="https://e.com:99999/"), "messages[0].delivery_list[0].button_link: has a host or a port that cannot be: a port is a number up to 65535"),
        (lambda: changed("messages", 3, "content", "text", value="\u200b\u2060\ufeff"), "messages[3].content.text: must not be empty"),
        (lambda: changed("messages", 3, "content", "text", value="x" * 50_000_000), "messages[3].content.text: longer than 1,000 characters"),
        (lambda: changed("messages", 0, "delivery_list", 0, "text", value="x" * 1001), "messages[0].delivery_list[0].text: longer than 1,000 characters"),
        (lambda: changed("messages", 3, "content", "text", value="Dear {name}"), "messages[3].content.text: holds {name}, which nothing fills: values go into the content's text of a mailing whose message_type is personal; if it is meant as it stands, give the job literal_text: true"),
        (lambda: changed("messages", 0, "delivery_list", 0, "text", value="Dear {{ first_name }}"), "messages[0].delivery_list[0].text: holds {{ first_name }}, which nothing fills: values go into the content's text of a mailing whose message_type is personal; if it is meant as it stands, give the job literal_text: true"),
        (lambda: quick_job("375291111111", forwarding_message=[]), "forwarding_message: must be true or false, or 1 or 0"),
        (lambda: quick_job("375291111111", forwarding_message=1, message="x" * 671), "message: longer than 670 characters"),
        (lambda: quick_job("375291111111", type_message="BUTTON", button="Go", button_link="https://e.com/" + "x" * 137), "button_link: longer than 150 characters"),
    ],
)  # fmt: skip
def test_is_named(job: Callable[[], Any], line: str) -> None:
    assert lines(job()) == [line]


def test_braces_that_are_meant() -> None:
    job = changed("messages", 3, "content", "text", value='use {name} and { "a": 1 }')
    job["literal_text"] = True
    assert load(job).mailings[3].content["text"] == 'use {name} and { "a": 1 }'
    assert load(changed("messages", 3, "content", "text", value=":-{ {} { x y }")).mailings[3]


def test_nested_too_deep() -> None:
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    (line,) = lines(changed("messages", 0, "content", "text", value=deep))
    assert line.endswith("is nested deeper than 32 levels")


def test_mistakes_are_bounded_and_name_no_phone() -> None:
    job = sample_job() | {f"37529{number:07d}": "x" for number in range(20_000)}
    found = lines(job)
    assert len(found) < 1100
    assert not any("375291" in line or len(line) > 500 for line in found)
