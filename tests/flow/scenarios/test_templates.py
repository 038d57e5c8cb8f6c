"""Jobs whose text is filled with each recipient's values, from the job to the phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from campaigns import Excluded
from campaigns.errors import JobError
from campaigns.person import erase
from campaigns.preview import preview
from tests.support.jobs import bulk_job, personal_job, phones, template_job
from tests.support.stage import Stage

TEXT = "Hello {name|friend}, you have {points} points"
A, B, C, D = phones(4)


def body(stage: Stage, campaign_id: str) -> list[dict[str, Any]]:
    stored = stage.services.batches.body(f"{campaign_id}-0")
    assert stored is not None
    mailings: list[dict[str, Any]] = orjson.loads(stored)
    return mailings


def table(folder: Path, text: str, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def refusal(stage: Stage, job: dict[str, Any], **options: Any) -> list[str]:
    with pytest.raises(JobError) as caught:
        stage.enqueue(job, **options)
    assert list(stage.services.campaigns.newest()) == []
    return caught.value.lines


class TestRows:
    """Values that stand in the job, or come from an iterable."""

    def test_each_reads_a_text_of_their_own(self, stage: Stage) -> None:
        rows = [{"phone": A, "values": {"name": "Анна", "points": 150}}, {"phone": B, "values": {"points": "7"}}]
        campaign = stage.enqueue(template_job(rows, TEXT, "https://e.com/{points}"))
        (mailing,) = body(stage, campaign.id)
        assert mailing["message_type"] == "personal"
        assert set(mailing["content"]) == {"type", "image_url", "caption"}
        assert mailing["delivery_list"] == [
            {"phone": A, "text": "Hello Анна, you have 150 points", "button_link": "https://e.com/150"},
            {"phone": B, "text": "Hello friend, you have 7 points", "button_link": "https://e.com/7"},
        ]
        stage.finish(campaign)
        assert [row["phone"] for row in stage.sandbox.ledger()] == [A, B]

    def test_who_lacks_a_value_is_excluded(self, stage: Stage) -> None:
        rows: list[Any] = [{"phone": A, "values": {"points": 1}}, B, {"phone": C}, {"phone": D, "values": None}]
        campaign = stage.enqueue(template_job([*rows, {"phone": "nobody", "values": {"points": 2}}], TEXT))
        why = "has no value for {points}"
        assert list(campaign.excluded()) == [
            *(Excluded("invalid", f"messages[0].delivery_list[{n + 1}]", [B, C, D][n], why) for n in range(3)),
            Excluded("invalid", "messages[0].delivery_list[4]", "nobody"),
        ]
        assert campaign.status().recipients["invalid"] == 4

    @pytest.mark.parametrize(
        ("values", "why"),
        [
            ({"x": "x" * 1001}, "the text filled with its values is not allowed: longer than 1,000 characters"),
            ({"x": "half \ud83d"}, "the text filled with its values is not allowed: holds half a character at place 6"),
            ({"x": "Hello {name}"}, "the text filled with its values still has the place {name}"),
            ({"x": "a", "link": "nowhere"}, "its filled button link is not allowed: must be a URL"),
            (
                {"x": "a", "link": "https://e.com/" + "x" * 140},
                "its filled button link is not allowed: longer than 150",
            ),
        ],
    )
    def test_what_a_value_makes_of_the_message(self, stage: Stage, values: dict[str, str], why: str) -> None:
        """Texts are measured once they are filled: a long template may make a short one."""
        rows = [{"phone": A, "values": {"x": "x" * 1000}}, {"phone": B, "values": values}]
        campaign = stage.enqueue(
            template_job(None, "{x}{" + "long name" * 10 + "|}", "{link|https://e.com}"), recipients=iter(rows)
        )
        (excluded,) = campaign.excluded()
        assert (excluded.phone, excluded.why[: len(why)]) == (B, why)

    def test_the_same_text_twice_is_a_repetition(self, stage: Stage) -> None:
        rows = [{"phone": A, "values": {"points": n}} for n in (1, 2, 1)]
        campaign = stage.enqueue(template_job(rows, TEXT))
        assert [(one.reason, one.place) for one in campaign.excluded()] == [
            ("duplicate", "messages[0].delivery_list[2]")
        ]

    def test_an_excluded_person_can_be_erased(self, stage: Stage) -> None:
        campaign = stage.enqueue(template_job([{"phone": A, "values": {"points": 1}}, B], TEXT))
        stage.finish(campaign)
        assert erase(stage.services, B).excluded == 1
        assert list(campaign.excluded()) == []

    def test_the_same_key(self, stage: Stage) -> None:
        rows = [{"phone": A, "values": {"points": 1}}]
        campaign = stage.enqueue(template_job(rows, TEXT), key="k")
        assert stage.enqueue(template_job(rows, TEXT), key="k").id == campaign.id

    def test_literal_text(self, stage: Stage) -> None:
        campaign = stage.enqueue(template_job([A, {"phone": B}], TEXT, literal_text=True))
        assert [row["text"] for row in body(stage, campaign.id)[0]["delivery_list"]] == [TEXT, TEXT]


class TestMistakes:
    """What is wrong with the template is the job's error, and nothing is stored."""

    def test_a_value_that_nobody_has(self, stage: Stage) -> None:
        rows = [{"phone": A, "values": {"name": "Anna", "point": 1}}]
        found = [
            "messages[0].content.text: no recipient has a value for {points}; recipients have values for: name, point"
        ]
        assert refusal(stage, template_job(rows, TEXT)) == found
        assert refusal(stage, template_job(None, TEXT), recipients=iter(rows)) == found
        assert "literal_text" in refusal(stage, template_job([A], TEXT))[0]

    @pytest.mark.parametrize(
        ("job", "line"),
        [
            (template_job([A], "Hello {{name}}"), "messages[0].content.text: holds double braces: write {name} with"),
            (
                template_job([A], "{a}, you have {b points"),
                "messages[0].content.text: holds { without its other brace;",
            ),
            (bulk_job([A], "You have {points points"), "messages[0].content.text: holds { without its other brace;"),
            (bulk_job([A], "You have points} points"), "messages[0].content.text: holds } without its other brace;"),
            (template_job([A], "{a}" + "x" * 1001), "messages[0].content.text: longer than 1,000 characters, even"),
            (template_job([A], "{a}", "nowhere"), "messages[0].content.button_link: must be a URL"),
            (template_job([{"phone": A, "text": "x"}], "{a}"), "messages[0].delivery_list[0].text: belongs to the"),
            (
                template_job([{"phone": A, "values": 5}], "{a}"),
                "messages[0].delivery_list[0].values: must be an object",
            ),
            (personal_job([{"phone": A, "text": "x", "values": {}}]), "messages[0].delivery_list[0].values: fills"),
            (bulk_job([A], "Hello {name}"), "messages[0].content.text: holds {name}, which nothing fills"),
        ],
    )
    def test_refused(self, stage: Stage, job: dict[str, Any], line: str) -> None:
        (found,) = refusal(stage, job)
        assert found.startswith(line)


class TestFiles:
    """Columns of a file fill the places of the same names."""

    def test_columns_by_name(self, stage: Stage, tmp_path: Path) -> None:
        path = table(tmp_path, f"text;ТЕЛЕФОН;Name;Баллы \nx;{A};Анна;150\n;{B};;7\n;{C};Ян\n")
        campaign = stage.enqueue(template_job(None, "{name|friend}: {баллы}"), recipients=path)
        assert [row["text"] for row in body(stage, campaign.id)[0]["delivery_list"]] == ["Анна: 150", "friend: 7"]
        assert list(campaign.excluded()) == [Excluded("invalid", "people.csv, line 4", C, "has no value for {баллы}")]

    def test_columns_by_choice(self, stage: Stage, tmp_path: Path) -> None:
        path = table(tmp_path, f"phone,Имя,1\n{A},Анна,150\n")
        columns: dict[str, str | int] = {"name": "имя", "points": 3}
        campaign = stage.enqueue(template_job(None, TEXT), recipients=path, columns=columns)
        assert body(stage, campaign.id)[0]["delivery_list"][0]["text"] == "Hello Анна, you have 150 points"
        bare = table(tmp_path, f"{A};Анна;150\n", "bare.csv")
        again = stage.enqueue(template_job(None, TEXT), recipients=bare, columns=columns | {"phone": 1, "name": 2})
        assert body(stage, again.id) == body(stage, campaign.id)

    def test_columns_that_the_file_does_not_have(self, stage: Stage, tmp_path: Path) -> None:
        path = table(tmp_path, f"Телефон;Имя;Город\n{A};Анна;Минск\n")
        (line,) = refusal(stage, template_job(None, TEXT), recipients=path)
        assert line.startswith(
            "recipients: people.csv, line 1: has no column called name, points, which the template names; "
            'it has Телефон, Имя, Город; choose one with --column "name=NAME"'
        )
        (line,) = refusal(stage, template_job(None, "{x}"), recipients=table(tmp_path, f"{A}\n{B}\n"))
        assert "since it has no header" in line
        (line,) = refusal(stage, template_job(None, "{x}"), recipients=path, columns={"y": "Имя"})
        assert line == "columns.y: unknown field. There are: phone, text, button_link, x"
        twice = table(tmp_path, f"phone;xy;XY\n{A};1;2\n")
        (line,) = refusal(stage, template_job(None, "{ Xy }"), recipients=twice)
        assert line.endswith("line 1: 2 columns are called 'Xy'; choose by number: --column Xy=1")

    def test_json_lines(self, stage: Stage, tmp_path: Path) -> None:
        rows = [
            {"phone": A, "name": "Анна", "points": 150, "beside": [1]},
            {"phone": B, "values": {"points": 7}},
            {"phone": C, "points": None},
        ]
        path = table(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "people.jsonl")
        campaign = stage.enqueue(template_job(None, TEXT), recipients=path)
        texts = [row["text"] for row in body(stage, campaign.id)[0]["delivery_list"]]
        assert texts == ["Hello Анна, you have 150 points", "Hello friend, you have 7 points"]
        assert [one.place for one in campaign.excluded()] == ["people.jsonl, line 3"]


class TestPreview:
    """What would be read, with nothing stored."""

    def test_samples(self, stage: Stage) -> None:
        def rows() -> Iterator[dict[str, Any]]:
            for n, phone in enumerate(phones(2500)):
                yield {"phone": phone, "values": {"name": "x" * (n % 1700 == 1600), "points": n if n != 1 else None}}

        noted: list[Excluded] = []
        job = template_job(None, "{name|} {points}")
        found = preview(stage.services, job, recipients=rows(), samples=2, on_excluded=noted.append)
        assert [(s.place, s.text, s.length) for s in found.samples] == [
            ("messages[0].delivery_list[0]", " 0", 2),
            ("messages[0].delivery_list[2]", " 2", 2),
        ]
        assert found.longest is not None
        assert (found.longest.place, found.longest.text) == ("messages[0].delivery_list[1600]", "x 1600")
        assert noted == list(found.examples)
        assert noted == [Excluded("invalid", "messages[0].delivery_list[1]", phones(2)[1], "has no value for {points}")]
        assert (found.total, found.invalid, found.to_send) == (2500, 1, 2499)
        assert found.as_dict()["longest"]["length"] == 6
