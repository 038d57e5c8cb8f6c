"""The command, run in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from campaigns.cli.command_line import cli
from campaigns.wiring import default_services_are
from tests.conftest import environment
from tests.support.stage import Stage

Run = Callable[..., Result]


@pytest.fixture
def run(stage: Stage, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with the stage's store and sandbox in its environment."""
    settings = stage.services.settings
    for name, value in environment(settings.redis_url, settings.gateway_url, prefix).items():
        monkeypatch.setenv(name, value)

    def invoke(*arguments: object, **more: object) -> Result:
        with default_services_are(None):
            return CliRunner().invoke(cli, [str(a) for a in arguments], **more)  # type: ignore[arg-type]

    return invoke
