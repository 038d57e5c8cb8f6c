"""Duplicates in a list of excluded recipients that is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.cli.test_excluded_file import STILL, read_back
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

ONE, TWO, NEW = phones(3)
LOCAL = f"8 (0{TWO[3:5]}) {TWO[5:]}"


def without_list(job: dict[str, Any]) -> dict[str, Any]:
    """The job without its recipients."""
    for part in (job, *job.get("messages", ())):
        part.pop("delivery_list", None)
        part.pop("phone", None)
    return job


@pytest.fixture
def returned(run: Run, tmp_path: Path) -> Path:
    """The list of a file with two duplicates, one of them written in another way."""
    path, out = tmp_path / "people.csv", tmp_path / "excluded.csv"
    path.write_text("\n".join(["phone;name", *(f"{phone};x" for phone in (ONE, TWO, ONE, LOCAL))]), "utf-8")
    job = job_file(tmp_path, without_list(bulk_job([])))
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    assert [row[-2:] for row in read_back(out, False)[1:]] == [
        ["has been handed in before", f"'+{phone}"] for phone in (ONE, TWO)
    ]
    return out


def sent(run: Run, folder: Path, recipients: Path, kind: str = "bulk") -> dict[str, Any]:
    job = job_file(folder, without_list(bulk_job([]) if kind == "bulk" else quick_job(ONE)))
    shown = run("send", job, "--recipients", recipients, "--dry-run", "--json")
    counts: dict[str, Any] = json.loads(shown.stdout)
    return counts


def as_workbook(path: Path) -> Path:
    """The list as a spreadsheet saves it: phones are numbers there."""
    book = Workbook()
    for row in read_back(path, False):
        book.active.append([int(cell) if cell.isdigit() else cell for cell in row])
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


@pytest.mark.parametrize("form", [Path, as_workbook], ids=["csv", "xlsx"])
@pytest.mark.parametrize("kind", ["bulk", "quick"])
def test_an_unchanged_phone_is_excluded_again(
    run: Run, tmp_path: Path, returned: Path, form: Callable[[Path], Path], kind: str
) -> None:
    counts = sent(run, tmp_path, form(returned), kind)
    assert (counts["to_send"], counts["duplicate"]) == (0, 2)
    assert [one["why"] for one in counts["examples"]] == [STILL, STILL]


def test_a_mended_phone_is_messaged(run: Run, tmp_path: Path, returned: Path) -> None:
    """Another spelling of the same phone is no other phone."""
    text = returned.read_text("utf-8")
    returned.write_text(
        text.replace(f"{ONE},", f"+{ONE},", 1).replace(f'"{LOCAL}",', f"{NEW},").replace(f"{LOCAL},", f"{NEW},", 1),
        "utf-8",
    )
    counts = sent(run, tmp_path, returned)
    assert (counts["to_send"], counts["duplicate"]) == (1, 1)
    (mailing,) = counts["first_request"]["body"]["messages"]
    assert mailing["delivery_list"] == [NEW]


@pytest.mark.parametrize(
    ("change", "to_send"),
    [
        ((f"'+{ONE}", ""), 1),
        ((f"'+{ONE}", "3,75E+11"), 0),
        (("duplicate", ""), 0),
        (("of another row", "there"), 0),
        (("excluded: ", ""), 2),
    ],
    ids=["mark emptied", "mark damaged", "reason emptied", "column of an earlier list", "columns renamed"],
)
def test_what_the_list_says_decides(
    run: Run, tmp_path: Path, returned: Path, change: tuple[str, str], to_send: int
) -> None:
    """A person can ask for the message all the same; what was only lost is no such wish."""
    returned.write_text(returned.read_text("utf-8").replace(*change), "utf-8")
    assert sent(run, tmp_path, returned)["to_send"] == to_send


def test_it_is_another_job(run: Run, stage: Stage, tmp_path: Path, returned: Path) -> None:
    """With and without its mark a row has the same content, but not the same fate."""
    job = job_file(tmp_path, without_list(bulk_job([])))
    returned.write_text(returned.read_text("utf-8") + f"\n{NEW}\n", "utf-8")
    assert run("send", job, "--recipients", returned, "--key", "k").exit_code == 0
    campaign = next(stage.services.campaigns.newest())
    assert [one.why for one in stage.services.campaigns.excluded(campaign.id)] == [STILL, STILL]
    returned.write_text(returned.read_text("utf-8").replace(f"'+{ONE}", ""), "utf-8")
    assert "has a different job" in run("send", job, "--recipients", returned, "--key", "k").stderr


def test_json_lines(run: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "people.jsonl", tmp_path / "excluded.jsonl"
    path.write_text("\n".join([json.dumps({"phone": ONE}), ONE, f'"{TWO}"', TWO]), "utf-8")
    job = job_file(tmp_path, without_list(bulk_job([])))
    assert run("send", job, "--recipients", path, "--excluded-to", out, "--dry-run").exit_code == 0
    assert sent(run, tmp_path, out)["to_send"] == 0
    first, second = out.read_text("utf-8").splitlines()
    out.write_text(first + "\n" + json.dumps(json.loads(second) | {"phone": NEW}), "utf-8")
    assert sent(run, tmp_path, out)["to_send"] == 1
