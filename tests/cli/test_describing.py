"""`campaigns schema`."""

from __future__ import annotations

import json

from campaigns.schemas.kinds import KINDS
from tests.cli.conftest import Run


def test_command(run: Run) -> None:
    printed = run("schema", "--kind", "quick")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout)["title"] == "A job of kind quick"
    whole = run("schema", "--json")
    assert whole.stdout.count("\n") == 1
    assert set(json.loads(whole.stdout)["$defs"]) == set(KINDS)
    assert run("schema", "--kind", "fax").exit_code == 2
