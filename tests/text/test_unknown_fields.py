"""A field that there is not: what was probably meant is named, and so is all there is."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.jobs.values import BulkJob
from campaigns.planning.planner import Planner
from campaigns.recipients import read_recipients
from campaigns.settings import Settings
from campaigns.text.unknown_fields import unknown_field
from campaigns.text.wellformed import TextRule
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job

SETTINGS = Settings()
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def lines(job: Any) -> list[str]:
    with pytest.raises(JobError) as caught:
        load_job(job, settings=SETTINGS, now=NOW)
    return caught.value.lines


def mailing(**more: Any) -> dict[str, Any]:
    job = bulk_job(phones(1))
    job["messages"][0] |= more
    return job


def content(**more: Any) -> dict[str, Any]:
    return mailing(content={"type": "text", "text": "x", **more})


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (lambda: mailing(mesage_type="bulk"), "messages[0].mesage_type: unknown field; did you mean message_type? There are: alphaname_id, name, message_type, schedule_time, content, delivery_list"),
        (lambda: mailing(recipients=[]), "messages[0].recipients: unknown field; did you mean delivery_list? There are: alphaname_id, name, message_type, schedule_time, content, delivery_list"),
        (lambda: mailing(Text="x"), "messages[0].Text: unknown field; did you mean content.text? There are: alphaname_id, name, message_type, schedule_time, content, delivery_list"),
        (lambda: content(imageUrl="x"), "messages[0].content.imageUrl: unknown field; did you mean image_url? There are: type, text, image_url, caption, button_link"),
        (lambda: content(zzz="x"), "messages[0].content.zzz: unknown field. There are: type, text, image_url, caption, button_link"),
        (lambda: personal_job([{"phone": "375291111111", "text": "x", "txt": "x"}]), "messages[0].delivery_list[0].txt: unknown field; did you mean text? There are: phone, text"),
        (lambda: bulk_job([{"phone": "375291111111", "fone": "x"}]), "messages[0].delivery_list[0].fone: unknown field; did you mean phone? There are: phone"),
        (lambda: quick_job("375291111111", type_message="IMAGE", image={"file_name": "a.png", "base64": "R0lGOA=="}), "image.file_name: unknown field; did you mean filename? There are: filename, base64"),
    ],
)  # fmt: skip
def test_nested(job: Any, line: str) -> None:
    assert line in lines(job())


@pytest.mark.parametrize(
    ("job", "name", "meant"),
    [
        (bulk_job(phones(1)), "massages", "messages"),
        (bulk_job(phones(1)), "keys", "key"),
        (bulk_job(phones(1)), "alphaname_id", "messages[0].alphaname_id"),
        (bulk_job(phones(1)), "text", "messages[0].content.text"),
        (bulk_job(phones(1)), "delivery_list", "messages[0].delivery_list"),
        (bulk_job(phones(1)), "recipients", "messages[0].delivery_list"),
        (bulk_job(phones(1)), "vibername_id", "a job of kind quick or list"),
        (quick_job("375291111111"), "text", "message"),
        (quick_job("375291111111"), "mesage", "message"),
        (quick_job("375291111111"), "messages", "a job of kind bulk"),
        (list_job(), "phone", "a job of kind quick"),
        (list_job(), "schedule_time", "d_schedule"),
    ],
)
def test_at_the_top(job: dict[str, Any], name: str, meant: str) -> None:
    there_are = ", ".join(KINDS[job.get("kind", "bulk")].shared().fields)
    assert lines(job | {name: "x"}) == [f"{name}: unknown field; did you mean {meant}? There are: {there_are}"]


def test_nothing_is_cut_off() -> None:
    """The longest list of names is shown to its end."""
    (line,) = lines(quick_job("375291111111", forwarding_mesage=1))
    assert line.endswith(f"There are: {', '.join(KINDS['quick'].shared().fields)}")


def test_with_every_other_mistake_at_once() -> None:
    job = content(captoin="x", text="")
    job["messages"][0] |= {"alphaname": 1, "alphaname_id": None, "delivery_list": [{"phon": 1}]}
    found = [line.partition(":")[0] for line in lines(job | {"nam": "x", "rate": "fast"})]
    assert sorted(found) == [
        "messages[0].alphaname",
        "messages[0].alphaname_id",
        "messages[0].content.captoin",
        "messages[0].content.text",
        "messages[0].delivery_list[0].phon",
        "messages[0].delivery_list[0].phone",
        "nam",
        "rate",
    ]


def test_token_is_refused_with_its_own_reason() -> None:
    assert lines(bulk_job(phones(1)) | {"token": "x"}) == ["token: is refused: a job names an account, never a token"]


def test_rows_that_are_read_as_they_are_planned() -> None:
    job = personal_job([])
    job["messages"][0]["delivery_list"] = iter([{"phone": "375291111111", "test": "x"}])
    checked = load_job(job, settings=SETTINGS, now=NOW)
    assert isinstance(checked, BulkJob)
    planner = Planner(
        checked,
        recipients_per_request=10,
        region="BY",
        timezone=SETTINGS.gateway_timezone,
        opted_out=lambda asked: [False] * len(asked),
        text_rule=TextRule(1000),
    )
    with pytest.raises(JobError) as caught:
        list(planner.steps())
    assert "messages[0].delivery_list[0].test: unknown field; did you mean text? There are: phone, text" in (
        caught.value.lines
    )


def test_columns_of_a_file() -> None:
    with pytest.raises(JobError) as caught:
        read_recipients("people.csv", columns={"fone": "A"})
    assert caught.value.lines == [
        "columns.fone: unknown field; did you mean phone? There are: phone, text, button_link"
    ]


def test_a_name_that_may_be_a_phone_is_not_shown() -> None:
    (line,) = lines(bulk_job(phones(1)) | {"375291234567": "x"})
    assert "375291234567" not in line
    assert line.startswith("***: unknown field. There are: kind,")


def test_a_long_name_costs_little() -> None:
    assert unknown_field("x" * 10_000_000, ["phone"]) == "unknown field. There are: phone"


def test_an_image_with_unknown_fields_only_is_one_object() -> None:
    found = lines(quick_job("375291111111", type_message="IMAGE", image={str(n): 1 for n in range(1000)}))
    assert 1 < len(found) <= 101


def test_an_image_that_can_be_read_is_still_an_image() -> None:
    job = quick_job("375291111111", type_message="IMAGE", image=io.BytesIO(b"GIF89a"))
    del job["message"]
    assert load_job(job, settings=SETTINGS, now=NOW).kind == "quick"
