"""Short storms, a minute and a half each; `python -m tests.rig.storm` makes long ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.storm import RECIPIENTS, Storm


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("listing", [True, False])
def test_nothing_twice_and_nothing_lost(tmp_path: Path, listing: bool) -> None:
    """Also where the listing shows nothing: then whatever is in doubt is held, and nothing sent again."""
    storm = Storm(7, tmp_path, 6, listing=listing)
    findings = storm.run()
    assert findings.wrong() == {kind: [] for kind in findings.wrong()}
    assert findings.recipients == RECIPIENTS
    assert findings.settled + findings.held == RECIPIENTS
    if not listing:
        assert findings.held > 0
        assert storm.resent == 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_figures_with_four_workers_on_two_hosts(tmp_path: Path) -> None:
    """The exporter's figures are those of the ledger, the events and the gateway, whichever process was killed."""
    findings = Storm(11, tmp_path, 10, workers=4).run()
    assert findings.wrong() == {kind: [] for kind in findings.wrong()}
