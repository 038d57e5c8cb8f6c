"""Job files as people write them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaigns.cli.input.job_files import read_job
from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.jobs.values import ImageFile, QuickJob
from campaigns.settings import Settings
from tests.support.jobs import quick_job

PNG = b"\x89PNG\r\n\x1a\n"


def document(image: str) -> dict[str, Any]:
    return quick_job("375291111111", type_message="IMAGE", image=image)


def loaded(job: Any) -> Any:
    return load_job(job, settings=Settings(), now=datetime(2030, 1, 1, tzinfo=UTC))


def read(folder: Path, image: str) -> Any:
    path = folder / "job.json"
    path.write_text(json.dumps(document(image)), "utf-8")
    with path.open("rb") as file:
        return loaded(read_job(file))


def test_an_image_is_a_path_from_the_job_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the folder of the command is; a whole path stays one."""
    monkeypatch.chdir("/")
    (tmp_path / "pic.png").write_bytes(PNG)
    for image in ("pic.png", os.fspath(tmp_path / "pic.png")):
        job = read(tmp_path, image)
        assert isinstance(job, QuickJob)
        assert job.image == ImageFile("pic.png", "image/png", PNG)


@pytest.mark.parametrize("image", ["none.png", ".", "a\0b.png", "\ud83d.png", "x" * 5000])
def test_an_image_that_cannot_be_read_is_named(tmp_path: Path, image: str) -> None:
    with pytest.raises(JobError) as caught:
        read(tmp_path, image)
    assert caught.value.lines[0].startswith("image: cannot be read: ")


def test_in_the_api_text_is_no_path() -> None:
    """Nobody makes a worker read a file."""
    with pytest.raises(JobError, match="image: must not be text"):
        loaded(document("/etc/hostname"))
