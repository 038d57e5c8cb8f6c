"""The wheel holds our files and nothing else, and goes together with an application that has a package `workers` too."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from campaigns.store.embedded import EmbeddedServer
from tests.conftest import environment
from tests.support.processes import ROOT

#: What the builder writes of itself.
_ABOUT = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def test_every_file_is_ours_and_none_is_missing(names: set[str]) -> None:
    """Those of git, so that nothing that lies about by chance is published, and no script or page stays behind."""
    listed = subprocess.check_output(["git", "ls-files", "campaigns", "workers"], cwd=ROOT, text=True).splitlines()
    ours = {name for name in names if ".dist-info/" not in name}
    assert ours == {*listed, "workers/celeryconfig.py"}
    assert {name.partition(".dist-info/")[2] for name in names - ours} == _ABOUT


def test_nothing_else_stands_at_the_top_of_site_packages(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"campaigns", "workers"}


_APPLICATION = """
import workers
from campaigns import enqueue
assert workers.OWN
print(enqueue({"kind": "quick", "vibername_id": 7, "message": "hello", "phone": "375291111111"}).status().state)
"""


class TestBesideAnotherPackageCalledWorkers:
    """An application's own, in whose folder everything is started."""

    @pytest.fixture
    def application(self, tmp_path: Path) -> Path:
        (tmp_path / "app" / "workers").mkdir(parents=True)
        (tmp_path / "app" / "workers" / "__init__.py").write_text("OWN = True\n", "utf-8")
        (tmp_path / "empty").mkdir()
        return tmp_path / "app"

    def test_it_enqueues(self, application: Path, server: EmbeddedServer, prefix: str) -> None:
        env = environment(server.url, "http://127.0.0.1:9", prefix) | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", _APPLICATION]
        assert subprocess.check_output(command, cwd=application, env=env, text=True) == "ready\n"

    def test_our_processes_start_in_a_folder_of_their_own(
        self, application: Path, server: EmbeddedServer, prefix: str
    ) -> None:
        """As the page on operations says; without it Celery takes the application's package."""
        env = environment(server.url, "http://127.0.0.1:9", prefix)
        celery = str(Path(sys.executable).with_name("celery"))
        has_settings = {}
        for place in ([], ["--workdir", str(application.parent / "empty")]):
            command = [celery, *place, "--app", "workers", "report"]
            ended = subprocess.run(command, cwd=application, env=env, text=True, capture_output=True, check=False)
            has_settings[bool(place)] = "worker_soft_shutdown_timeout" in ended.stdout
        assert has_settings == {False: False, True: True}
