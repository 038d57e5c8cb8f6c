"""`campaigns test`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import bulk_job, phones, quick_job, template_job
from tests.support.stage import Stage


def test_a_test_is_shown_as_one(run: Run, stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("phone;Имя\n" + "".join(f"{phone};name {n}\n" for n, phone in enumerate(phones(5), 1)), "utf-8")
    job = job_file(tmp_path, template_job(None, "Hello {name}", name="Spring"))
    mine = phones(1, start=500_000)[0]
    given = ("--recipients", path, "--column", "name=Имя", "--to", mine, "--row", 5)
    assert run("test", job, *given).stdout.startswith("test ")
    reported = json.loads(run("test", job, *given, "--json").stdout)
    assert (reported["test"], reported["total"]) == (True, 1)
    body = stage.services.batches.body(f"{reported['id']}-0")
    assert body is not None
    assert json.loads(body)[0]["delivery_list"] == [{"phone": mine, "text": "Hello name 4"}]
    assert "test: Spring" in run("list").stdout
    assert "a test, account default" in run("status", reported["id"]).stdout


def test_what_is_sent_is_printed(run: Run, tmp_path: Path) -> None:
    """Which row of the file, to which phone, and the text, picture and button as they will read."""
    path = tmp_path / "people.csv"
    path.write_text(f"phone;Имя\n\n{phones(2)[0]};Анна\n{phones(2)[1]};\u202eЯн\n", "utf-8")
    job = job_file(tmp_path, template_job(None, "Hello {Имя},\nbuy", "https://e.com/{Имя}"))
    mine, other = phones(2, start=500_000)
    given = ("test", job, "--recipients", path, "--to", mine, "--to", other, "--row", 4)
    lines = run(*given).stdout.splitlines()
    assert lines[0].startswith("test ")
    for at, phone in enumerate((mine, other)):
        head, first, second, picture, button = lines[1 + 5 * at : 6 + 5 * at]
        assert head == f"people.csv, line 4, to {phone}: 14 characters"
        assert (first, second) == ("  Hello \\u202eЯн,", "  buy")
        assert picture == "  picture: https://example.com/a.jpg"
        assert button == "  button: Open -> https://e.com/%E2%80%AE%D0%AF%D0%BD"
    messages = json.loads(run(*given, "--json").stdout)["messages"]
    assert [(one["place"], one["phone"], one["image"]) for one in messages] == [
        ("people.csv, line 4", phone, "https://example.com/a.jpg") for phone in (mine, other)
    ]


def test_of_several_mailings_each_is_named(run: Run, tmp_path: Path) -> None:
    job = bulk_job(phones(3), text="A text", name="Spring")
    job["messages"].append({**bulk_job(phones(3), text="Another")["messages"][0], "name": "B"})
    ended = run("test", job_file(tmp_path, job), "--to", phones(1)[0]).stdout.splitlines()
    assert [line for line in ended if "characters" in line or line.startswith("  ")] == [
        f"Spring, to {phones(1)[0]}: 6 characters", "  A text", f"B, to {phones(1)[0]}: 7 characters", "  Another",
    ]  # fmt: skip


def test_of_a_quick_message(run: Run, tmp_path: Path) -> None:
    button = {"type_message": "BUTTON", "button": "Open", "button_link": "https://e.com"}
    job = quick_job(*phones(2), image_url="https://e.com/a.jpg", **button)
    ended = run("test", job_file(tmp_path, job), "--to", phones(1)[0]).stdout.splitlines()
    assert ended[1:5] == [
        f"to {phones(1)[0]}: 11 characters",
        "  quick hello",
        "  picture: https://e.com/a.jpg",
        "  button: Open -> https://e.com",
    ]


def test_of_a_bulk_text_needs_no_recipients(run: Run, tmp_path: Path) -> None:
    job = bulk_job([], text="For all")
    del job["messages"][0]["delivery_list"]
    ended = run("test", job_file(tmp_path, job), "--to", phones(1)[0])
    assert (ended.exit_code, ended.stdout.splitlines()[2]) == (0, "  For all")
    refused = run("test", job_file(tmp_path, template_job(None, "{a}")), "--to", phones(1)[0])
    assert refused.exit_code == 2
    assert refused.stderr.startswith("campaigns: recipients are missing: ")
    assert "--recipients FILE" in refused.stderr
