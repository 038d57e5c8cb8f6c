"""`--excluded-to` where there is a file already, such as a list with mended rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_cli import job_file
from tests.cli.test_excluded_duplicates import without_list
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

MENDED = "phone\nmended\n"


@pytest.fixture
def given(tmp_path: Path) -> list[object]:
    """A command that excludes a recipient."""
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["phone", *phones(3), "nobody"]), "utf-8")
    job = job_file(tmp_path, without_list(bulk_job([])))
    return ["send", job, "--recipients", path, "--excluded-to", tmp_path / "out.csv"]


@pytest.mark.parametrize("more", [["--dry-run"], []], ids=["dry", "stored"])
def test_other_content_is_kept(run: Run, stage: Stage, tmp_path: Path, given: list[object], more: list[str]) -> None:
    out = tmp_path / "out.csv"
    out.write_text(MENDED, "utf-8")
    refused = run(*given, "--key", "k", *more)
    assert (refused.exit_code, out.read_text("utf-8")) == (2, MENDED)
    assert "--excluded-to would overwrite" in refused.stderr
    assert "--force" in refused.stderr
    assert list(stage.services.campaigns.newest()) == []
    assert run(*given, "--key", "k", "--force", *more).exit_code == 0
    assert "nobody" in out.read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.json", "out.csv", "people.csv"]


def test_the_same_content_is_no_loss(run: Run, stage: Stage, tmp_path: Path, given: list[object]) -> None:
    """The dry run before it has written the same list; an empty file holds nothing."""
    (tmp_path / "out.csv").touch()
    for more in (["--dry-run"], ["--dry-run"], []):
        assert run(*given, *more).exit_code == 0
    assert len(list(stage.services.campaigns.newest())) == 1


def test_a_list_in_the_job(run: Run, tmp_path: Path) -> None:
    job, out = job_file(tmp_path, bulk_job([*phones(3), *phones(1), "nobody", "none"])), tmp_path / "out.csv"
    for more in (["--dry-run"], []):
        assert run("send", job, "--excluded-to", out, *more).exit_code == 0
    assert len(out.read_text("utf-8").splitlines()) == 4


def test_a_key_that_exists_writes_nothing(run: Run, tmp_path: Path, given: list[object]) -> None:
    """The command repeated as it was succeeds, as often as it is repeated."""
    out = tmp_path / "out.csv"
    assert run(*given, "--key", "k").exit_code == 0
    out.write_text(MENDED, "utf-8")
    again = run(*given, "--key", "k")
    assert (again.exit_code, out.read_text("utf-8")) == (0, MENDED)
    assert again.stderr == f"{out} stays as it is, since no new campaign was made\n"


def test_force_is_for_a_file(run: Run, given: list[object]) -> None:
    refused = run(*given[:4], "--force")
    assert (refused.exit_code, "--force needs --excluded-to" in refused.stderr) == (2, True)
