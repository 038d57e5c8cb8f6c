"""What real workers and beat write into their logs, at DEBUG, in both forms: all that an operator needs, nothing private."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from campaigns.enqueue import enqueue
from campaigns.events import Event
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.support.jobs import bulk_job, quick_job
from tests.support.messages import submit
from tests.support.processes import Process, celery
from tests.support.secrets import found
from tests.support.settings import TOKEN

PHONES = ["375291234567", "375337654321"]
TEXT = "только для её глаз 7/+=?"
REASON = "the gateway does not let us look: refused with HTTP 400"
FAST = {"CAMPAIGNS_SETTLE_WINDOW_S": "0.3", "CAMPAIGNS_CHECK_INTERVAL_S": "0.1"}
#: Celery writes these to standard output, where no log goes.
NO_LINES = {"", "worker: Warm shutdown (MainProcess)"}


class Scene:
    """A worker and beat, whose log is written in `form`, and what happened to them."""

    def __init__(self, form: str, folder: Path, server: EmbeddedServer, sandbox: Sandbox) -> None:
        prefix = f"logs-{form}-{uuid.uuid4().hex}:"
        env = environment(server.url, sandbox.url, prefix) | FAST | {"CAMPAIGNS_LOG_FORMAT": form}
        self.form = form
        self.processes = Processes(folder, env)
        self.services: Services = build_services(
            Settings.from_env({name: value for name, value in env.items() if name.startswith("CAMPAIGNS_")})
        )
        self._server_url, self._prefix = server.url, prefix
        # Children of either kind: some inherit their handlers, others set them up anew.
        start = {"text": "spawn", "json": "fork"}[form]
        options = ("--pool-start-method", start, "--concurrency", "2", "--without-mingle", "--loglevel", "DEBUG")
        queues = "quick,bulk,poll,replies,control,submissions"
        self.worker = self.processes.start("worker", celery("worker", "--queues", queues, *options))
        self.beat = self.processes.start("beat", celery("beat", "--loglevel", "DEBUG"))

    def submit(self, job: Any) -> None:
        """As an application in another language sends it."""
        submit(self._server_url, self._prefix, job)

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.services.events.since() if event.type == kind]

    def await_events(self, kind: str, number: int = 1) -> None:
        until = time.monotonic() + 60
        while len(self.events(kind)) < number:
            assert time.monotonic() < until, f"no {kind}:\n{self.processes.report()}"
            time.sleep(0.05)

    def lines(self) -> list[str]:
        written = self.worker.output() + self.beat.output()
        return [line for line in written.splitlines() if line not in NO_LINES]


@pytest.fixture
def scenes(server: EmbeddedServer, tmp_path: Path) -> Iterator[dict[str, Scene]]:
    """Both forms at once. Each has sent a bulk job, submitted two more, and lost an answer for good."""
    with Sandbox(options=Options(speed=100)) as sandbox:
        scenes = {form: Scene(form, tmp_path, server, sandbox) for form in ("text", "json")}
        try:
            _play(list(scenes.values()), sandbox)
            yield scenes
        finally:
            for scene in scenes.values():
                scene.processes.end()


def _play(scenes: list[Scene], sandbox: Sandbox) -> None:
    sandbox.fault("reset_after", "sendBulkViber", times=None)
    sandbox.fault("refuse", "getViberMessages", times=None, text=f"refused {PHONES[0]} {TEXT}")
    for scene in scenes:
        scene.submit(quick_job(PHONES[0], message=TEXT))
        scene.submit({**bulk_job(PHONES, text=TEXT), "kind": TEXT})
        enqueue(scene.services, bulk_job(PHONES, text=TEXT))
    for scene in scenes:
        scene.await_events("batch.held")
        scene.await_events("campaign.invalid")
        scene.await_events("campaign.finished")
    with ThreadPoolExecutor() as threads:
        list(threads.map(Process.stop, [process for scene in scenes for process in scene.processes.all()]))


def documents(scene: Scene) -> list[dict[str, Any]]:
    return [json.loads(line) for line in scene.lines()]


def a_held_batch_is_named_with_all_that_is_known(scenes: dict[str, Scene]) -> None:
    [held] = [line for line in documents(scenes["json"]) if line["event"] == "batch_held"]
    batch_id = scenes["json"].events("batch.held")[0].subject
    assert held["batch"] == batch_id
    assert held["campaign"] == batch_id.rpartition("-")[0]
    assert (held["account"], held["attempt"], held["level"], held["reason"]) == ("default", 1, "WARNING", REASON)
    [line] = [line for line in scenes["text"].lines() if " WARNING batch_held " in line]
    batch_id = scenes["text"].events("batch.held")[0].subject
    assert f' campaign={batch_id[:-2]} batch={batch_id} attempt=1 account=default reason="{REASON}"' in line


def a_lost_answer_is_logged_with_its_time(scenes: dict[str, Scene]) -> None:
    [unknown] = [line for line in documents(scenes["json"]) if line.get("to") == "unknown"]
    assert unknown["event"] == "batch_moved"
    assert 0 <= unknown["ms"] < 10_000
    assert unknown["reason"]


def every_line_of_json_is_an_object_of_the_same_shape(scenes: dict[str, Scene]) -> None:
    lines = documents(scenes["json"])
    assert all({"time", "level", "event", "logger", "process"} <= line.keys() for line in lines)
    spoke = {line["logger"] for line in lines}
    assert {"celery.apps.worker", "celery.worker.strategy", "celery.app.trace", "celery.beat"} <= spoke
    assert {"campaigns.flow.doubt.reconcile", "campaigns.submission"} <= spoke


def every_line_of_text_begins_with_time_and_level(scenes: dict[str, Scene]) -> None:
    begin = re.compile(
        r"20[0-9-]{8}T[0-9:.]{12}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [a-z_][A-Za-z0-9_.]*( [a-z_]+=|$)"
    )
    assert [line for line in scenes["text"].lines() if not begin.match(line)] == []


def what_comes_every_second_is_logged_at_debug(scenes: dict[str, Scene]) -> None:
    lines = documents(scenes["json"])
    bells = [line for line in lines if line.get("task") == "campaigns.work"]
    ticks = [line for line in lines if "Sending due task tick" in line.get("message", "")]
    assert bells
    assert ticks
    assert {line["level"] for line in bells + ticks} == {"DEBUG"}
    assert "INFO" in {line["level"] for line in lines if line.get("task") == "campaigns.submit"}


def nothing_private_is_written(scenes: dict[str, Scene]) -> None:
    """Neither token, phone nor text: as it is, in a URL, in JSON, in base64 wherever it may begin there."""
    for form, scene in scenes.items():
        written = "\n".join(scene.lines())
        assert "campaigns.submit" in written
        assert found((TOKEN, *PHONES, TEXT), written) == [], form


def test_what_they_write(scenes: dict[str, Scene], subtests: pytest.Subtests) -> None:
    """One test, so that its scenes are played once, however many processes run the suite."""
    for check in (
        a_held_batch_is_named_with_all_that_is_known,
        a_lost_answer_is_logged_with_its_time,
        every_line_of_json_is_an_object_of_the_same_shape,
        every_line_of_text_begins_with_time_and_level,
        what_comes_every_second_is_logged_at_debug,
        nothing_private_is_written,
    ):
        with subtests.test(check.__name__):
            check(scenes)
