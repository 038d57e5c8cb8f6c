"""`campaigns schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from campaigns.jobs.json_schema import job_schema
from campaigns.jobs.reference import reference_page
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.settings import Settings
from tests.cli.conftest import Run


def test_command(run: Run) -> None:
    printed = run("schema", "--kind", "quick")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout)["title"] == "A job of kind quick"
    whole = run("schema", "--json")
    assert whole.stdout.count("\n") == 1
    assert set(json.loads(whole.stdout)["$defs"]) == set(KINDS)
    assert run("schema", "--kind", "fax").exit_code == 2


PAGE = Path(__file__).parents[2] / "deploy" / "guide" / "reference" / "jobs.md"


def test_page_is_what_the_schemas_say() -> None:
    assert PAGE.read_text("utf-8") == reference_page(Settings()), (
        "run: campaigns schema --page > deploy/guide/reference/jobs.md"
    )


def test_page_has_every_field_and_what_it_means() -> None:
    page = PAGE.read_text("utf-8")
    for kind in KINDS:
        for name, field in job_schema(kind, Settings())["properties"].items():
            assert f"| `{name}` | " in page
            assert field["description"].split(" At the gateway: ")[0] in page


def test_page_by_the_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_TEXT_LENGTH", "77")
    printed = run("schema", "--page")
    assert printed.exit_code == 0
    assert "text, at most 77 characters" in printed.stdout
    assert run("schema", "--page", "--kind", "quick").exit_code == 2
