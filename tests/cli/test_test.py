"""`campaigns test`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.support.jobs import phones, template_job
from tests.support.stage import Stage


def test_a_test_is_shown_as_one(run: Run, stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("phone;Имя\n" + "".join(f"{phone};name {n}\n" for n, phone in enumerate(phones(5), 1)), "utf-8")
    job = job_file(tmp_path, template_job(None, "Hello {name}", name="Spring"))
    mine = phones(1, start=500_000)[0]
    given = ("--recipients", path, "--column", "name=Имя", "--to", mine, "--row", 4)
    assert run("test", job, *given).stdout.startswith("test ")
    reported = json.loads(run("test", job, *given, "--json").stdout)
    assert (reported["test"], reported["total"]) == (True, 1)
    body = stage.services.batches.body(f"{reported['id']}-0")
    assert body is not None
    assert json.loads(body)[0]["delivery_list"] == [{"phone": mine, "text": "Hello name 4"}]
    assert "test: Spring" in run("list").stdout
    assert "a test, account default" in run("status", reported["id"]).stdout
