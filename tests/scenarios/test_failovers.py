"""A short run of a store that fails over; `python -m tests.rig.failovers` makes long ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.failovers import Failovers


@pytest.mark.long
@pytest.mark.timeout(400)
def test_workers_outlive_a_primary_that_dies_and_one_that_comes_back_beside_its_successor(tmp_path: Path) -> None:
    """Store and broker behind Sentinels with passwords; no message twice, none lost, every process alive."""
    run = Failovers(1, tmp_path, failovers=2, lag_s=0.1, faults=False, recipients=60, acts=("kill", "freeze"))
    findings = run.run()
    assert findings.wrong() == {kind: [] for kind in findings.wrong()}
    assert findings.recipients == 60 + 10 + 2 * (50 + 5)
    assert (run.done["kill"], run.done["freeze"]) == (1, 1)
