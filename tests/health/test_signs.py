"""Signs of life, as another process reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from campaigns.health.liveness import Limits, may_be_stuck, stands_still
from campaigns.health.signs import BEAT, WORKER, LifeSign, Sign
from tests.support.processes import ROOT

_READ = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from campaigns.health.signs import signs
print(json.dumps([asdict(sign) for sign in signs(Path(sys.argv[1]))]))
"""


def read(folder: Path) -> list[dict[str, object]]:
    """The signs, read by another process: the lock is this process's own."""
    ended = subprocess.run([sys.executable, "-c", _READ, str(folder)], cwd=ROOT, check=True, capture_output=True)
    found: list[dict[str, object]] = json.loads(ended.stdout)
    return found


def test_what_a_process_leaves(tmp_path: Path) -> None:
    now_s = 1000.0
    sign = LifeSign(tmp_path / "signs", WORKER, ["replies", "poll"], monotonic=lambda: now_s)
    (first,) = read(tmp_path / "signs")
    wanted = Sign(WORKER, os.getpid(), ("poll", "replies"), 1000.0, 1000.0, False)
    assert first == json.loads(json.dumps(asdict(wanted)))
    now_s = 1005.0
    sign.turned()
    now_s = 1007.0
    if (child := os.fork()) == 0:
        sign.progressed()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    (second,) = read(tmp_path / "signs")
    assert (second["turned_s"], second["progressed_s"], second["connected"]) == (1005.0, 1007.0, True)
    now_s = 1010.0
    assert sign.idle_s() == 3.0
    sign.remove()
    assert read(tmp_path / "signs") == []


def test_who_was_killed_has_no_sign(tmp_path: Path) -> None:
    if (child := os.fork()) == 0:
        LifeSign(tmp_path, BEAT)
        os._exit(9)
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 1
    assert read(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_harms_no_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    sign = LifeSign(tmp_path / "file", BEAT)
    sign.turned()
    sign.progressed()
    assert sign.idle_s() < 60
    sign.remove()
    assert [record.message for record in caplog.records] == ["sign_of_life_not_written"]


def test_no_folder_of_another_user_is_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    LifeSign(tmp_path / "link", BEAT)
    assert list((tmp_path / "theirs").iterdir()) == []
    assert [record.message for record in caplog.records] == ["sign_of_life_not_written"]


@pytest.mark.parametrize(
    ("connected", "silent_s", "idle_s", "still", "suspect"),
    [
        (True, 59, 119, False, False),
        (True, 61, 0, True, False),
        (True, 0, 121, False, True),
        (False, 599, 3000, False, False),
        (False, 601, 3000, True, False),
    ],
)
def test_limits(connected: bool, silent_s: float, idle_s: float, still: bool, suspect: bool) -> None:
    sign = Sign(WORKER, 1, ("bulk",), 5000.0 - silent_s, 5000.0 - idle_s, connected)
    assert (stands_still(sign, 5000.0, Limits()) is not None) is still
    assert may_be_stuck(sign, 5000.0, Limits()) is suspect
