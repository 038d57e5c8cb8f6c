"""A few messages of a job to phones of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from campaigns.errors import JobError
from campaigns.send_test import send_test
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, template_job
from tests.support.stage import Stage

MINE, OTHER = phones(2, start=500_000)


def sent_by(stage: Stage, campaign_id: str) -> list[dict[str, Any]]:
    body = stage.services.batches.body(f"{campaign_id}-0")
    assert body is not None
    mailings: list[dict[str, Any]] = orjson.loads(body)
    return mailings


def test_what_a_row_reads(stage: Stage, tmp_path: Path) -> None:
    """Text, picture and button are the real ones; nobody but one's own phones gets anything."""
    path = tmp_path / "people.csv"
    path.write_text("phone;name\n" + "".join(f"{phone};name {n}\n" for n, phone in enumerate(phones(9), 1)), "utf-8")
    job = template_job(None, "Hello {name}", "https://e.com/{name}", key="k", max_recipients=1, rate="1/day")
    job["messages"][0]["schedule_time"] = "2040-05-01T10:00:00"
    campaign = send_test(stage.services, job, to=[MINE, OTHER], rows=[4, 8], recipients=path)
    (mailing, *_) = sent_by(stage, campaign.id)
    assert mailing["content"] == {"type": "button", "image_url": "https://example.com/a.jpg", "caption": "Open"}
    assert mailing["delivery_list"][0] == {
        "phone": MINE,
        "text": "Hello name 3",
        "button_link": "https://e.com/name%203",
    }
    stage.finish(campaign)
    assert sorted(row["phone"] for row in stage.sandbox.ledger()) == sorted([MINE, MINE, OTHER, OTHER])
    status = campaign.status()
    assert (status.test, status.total, status.state, status.as_dict()["test"]) == (True, 4, "finished", True)


def test_a_row_without_a_mobile_phone(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"phone;name\n\n{phones(1)[0]};A\n+375172027775;B\n", "utf-8")
    with pytest.raises(JobError, match=r"people\.csv, line 4: is not a mobile phone"):
        send_test(stage.services, template_job(None, "Hello {name}"), to=MINE, rows=[4], recipients=path)


def test_is_no_part_of_the_campaign(stage: Stage) -> None:
    """It takes neither the job's key nor any of its recipients, and may be repeated."""
    job = bulk_job(phones(3), key="k", name="Spring")
    tests = {send_test(stage.services, job, to=MINE).id for _ in range(2)}
    assert len(tests) == 2
    campaign = stage.enqueue(job)
    assert campaign.id not in tests
    status = campaign.status()
    assert (status.test, status.total) == (False, 3)


def test_quick(stage: Stage) -> None:
    campaign = send_test(stage.services, quick_job(*phones(3)), to=MINE)
    stage.finish(campaign)
    assert [row["phone"] for row in stage.sandbox.ledger()] == [MINE]


@pytest.mark.parametrize(
    ("job", "options", "line"),
    [
        (list_job(), {}, "kind: a job of kind list cannot be tested"),
        (bulk_job(phones(1)), {"to": "12"}, "to: is not a mobile phone number"),
        (bulk_job(phones(1)), {"to": []}, "to: is not a mobile phone number"),
        (
            personal_job([{"phone": MINE, "text": "x"}]),
            {"rows": [2]},
            "rows: mailing 1 has 1 recipient: rows are numbered",
        ),
        (
            template_job([{"phone": MINE, "values": {"a": 1}}, MINE], "{a}"),
            {"rows": [1, 2]},
            "test: messages[0].delivery_list[1] would not be sent: has no value for {a}",
        ),
        (bulk_job(phones(1), surprise=1), {}, "surprise: unknown field"),
    ],
)
def test_refused(stage: Stage, job: dict[str, Any], options: dict[str, Any], line: str) -> None:
    with pytest.raises(JobError) as caught:
        send_test(stage.services, job, **{"to": MINE, **options})
    assert caught.value.lines[0].startswith(line)
    assert list(stage.services.campaigns.newest()) == []


def test_an_opted_out_phone_is_named(stage: Stage) -> None:
    stage.services.optouts.add([MINE])
    for job in (bulk_job(phones(1)), template_job([{"phone": phones(1)[0], "values": {"a": 1}}], "{a}")):
        with pytest.raises(JobError) as caught:
            send_test(stage.services, job, to=[OTHER, MINE])
        shown = f"{MINE[:5]}*****{MINE[-2:]}"
        assert caught.value.lines == [f"to: the phone {shown}, to which the test would go, has opted out"]


def test_rows_are_those_of_the_spreadsheet(stage: Stage, tmp_path: Path) -> None:
    """The header is row 1, empty rows count, and a cell with a line break makes no further row."""
    path = tmp_path / "people.csv"
    rows = ["phone;name;note", f'{phones(1)[0]};A;"two\nlines"', ";;", f"{phones(2)[1]};B;", f"{phones(3)[2]};C;"]
    path.write_text("\n".join(rows), "utf-8")
    job = template_job(None, "Hello {name}")
    for given, name in ({"rows": [4]}, "B"), ({"rows": [5]}, "C"), ({}, "A"):
        campaign = send_test(stage.services, job, to=MINE, recipients=path, **given)
        assert sent_by(stage, campaign.id)[0]["delivery_list"][0]["text"] == f"Hello {name}"
    for row in (1, 3, 6):
        with pytest.raises(JobError, match=r"people\.csv has its recipients in rows 2 to 5; empty rows are none"):
            send_test(stage.services, job, to=MINE, recipients=path, rows=[row])


@pytest.mark.parametrize("kind", ["bulk", "quick", "no places"])
def test_one_message_for_all_needs_no_recipients(stage: Stage, kind: str) -> None:
    job = {"bulk": bulk_job([]), "quick": quick_job(*phones(1)), "no places": template_job([], "Hello all")}[kind]
    for part in (job, *job.get("messages", ())):
        part.pop("delivery_list", None)
        part.pop("phone", None)
    campaign = send_test(stage.services, job, to=[MINE, OTHER])
    stage.finish(campaign)
    assert sorted(row["phone"] for row in stage.sandbox.ledger()) == sorted([MINE, OTHER])


def test_messages_that_differ_need_recipients(stage: Stage) -> None:
    """Other mistakes of the job are named with it."""
    for job in (template_job(None, "{name}"), personal_job([])):
        job["messages"][0].pop("delivery_list", None)
        with pytest.raises(JobError) as caught:
            send_test(stage.services, job | {"surprise": 1}, to=MINE)
        assert sorted(caught.value.errors) == ["recipients", "surprise"]
        assert "--recipients FILE" in caught.value.errors["recipients"][0]
