"""What scenarios share: processes that die at a point, and recipes that run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

import pytest

from campaigns.sandbox.server import Sandbox
from campaigns.store.embedded import EmbeddedServer
from tests.support.crash_forks import Forks
from tests.support.jobs import bulk_job, phones
from tests.support.recipes import Run, blocks
from tests.support.rig import rig_settings
from tests.support.stage import Stage

Crash = Callable[..., None]


@pytest.fixture
def rig(server: EmbeddedServer, sandbox: Sandbox, prefix: str) -> Stage:
    """A stage on which another batch is known to the listing, so that absence can be proven."""
    stage = Stage(rig_settings(server.url, sandbox.url, prefix), sandbox)
    stage.finish(stage.enqueue(bulk_job(phones(3, start=5000), text="known")))
    return stage


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


@pytest.fixture
def crash(server: EmbeddedServer, sandbox: Sandbox, prefix: str, forks: Forks) -> Crash:
    """Run a task in a process of its own that dies at a point: it takes the point, the task and a batch's id."""

    def run(point: str, task: str, batch_id: str, gateway_url: str = sandbox.url, more: Sequence[str] = ()) -> None:
        code, errors = forks.run([point, task, batch_id, server.url, gateway_url, prefix, *more])
        assert code == -signal.SIGKILL, errors

    return run


@pytest.fixture
def run_recipe(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the only block under a heading as a module, with one piece of it replaced if that is asked for."""

    def as_module(heading: str, replaced: str = "", by: str = "") -> ModuleType:
        (text,) = blocks(heading)
        assert replaced in text
        text = text.replace(replaced, by) if replaced else text
        module = ModuleType("recipe")
        monkeypatch.setitem(sys.modules, "recipe", module)
        exec(compile(text, "RECIPES.md", "exec"), vars(module))
        return module

    return as_module
