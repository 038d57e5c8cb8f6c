"""`campaigns events` with a group that has no name."""

from __future__ import annotations

from campaigns.events import Groups
from tests.cli.conftest import Run
from tests.support.stage import Stage


def test_a_group_without_a_name(run: Run, stage: Stage) -> None:
    """It is refused, but can be deleted if an earlier version made it."""
    refused = run("events", "--group", "")
    assert (refused.exit_code, "the group must have a name" in refused.stderr) == (2, True)
    assert list(Groups(stage.services.store).all()) == []
    stage.services.store.create_group(stage.services.store.keys.events(), "", "0")
    assert "is deleted" in run("events", "--group", "", "--delete").stdout
