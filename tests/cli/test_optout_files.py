"""`campaigns optouts import` of files that say what each phone is opted out of."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.ledger import EVERYTHING, OptOuts, Scope
from tests.cli.conftest import Run
from tests.support.jobs import phones
from tests.support.stage import Stage

ONE, TWO, THREE = phones(3)
OPTED_OUT = {
    EVERYTHING: [TWO],
    Scope("default"): [ONE],
    Scope("default", "-offers"): [ONE, TWO],
    Scope("default", "news"): [THREE],
}


def _of(optouts: OptOuts) -> dict[Scope, list[str]]:
    return {scope: sorted(optouts.members(scope)) for scope in optouts.sizes()}


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_what_was_exported_is_restored(run: Run, stage: Stage, tmp_path: Path, more: tuple[str, ...]) -> None:
    optouts, file = stage.services.optouts, tmp_path / "all.csv"
    for scope, some in OPTED_OUT.items():
        optouts.add(some, scope=scope)
    assert run("optouts", "export", file, "--all", *more).exit_code == 0
    for scope, some in OPTED_OUT.items():
        optouts.remove(some, scope=scope)
    imported = run("optouts", "import", file, "--by", "ann")
    assert (imported.exit_code, imported.stdout) == (0, "5 added, 0 lines not understood\n")
    assert imported.stderr == ""
    assert _of(optouts) == OPTED_OUT
    assert "for topic news of account default (1 phone): import of" in run("audit").stdout


def test_what_no_opt_out_can_be_of(run: Run, stage: Stage, tmp_path: Path) -> None:
    """Such a line is named, and its phone is opted out of nothing, since a wider opt-out was not asked for."""
    file = tmp_path / "some.csv"
    file.write_text(
        f"phone,account,topic\n{ONE},shpo,\n{ONE},default,no spaces\n{ONE},{TWO * 99},\nnobody,shpo,\n{THREE},,news\n"
    )
    imported = run("optouts", "import", file)
    assert (imported.exit_code, imported.stdout) == (1, "1 added, 4 lines not understood\n")
    said = imported.stderr.splitlines()
    assert said[0] == "line 2: account 'shpo' has no token: set CAMPAIGNS_TOKEN_SHPO"
    assert said[1] == "line 3: topic 'no spaces' must be 1 to 40 Latin letters, digits, - and _"
    assert said[2].startswith("line 4: account '3752")
    assert len(said[2]) < 250
    assert said[3] == "line 5: is not a phone number"
    assert _of(stage.services.optouts) == {EVERYTHING: [], Scope("default", "news"): [THREE]}


def test_a_file_and_options_that_both_say_it(run: Run, stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text(f"phone,account,topic\n{ONE},,\n{TWO},default,\n")
    for option in (("--topic", "news"), ("--account", "default")):
        refused = run("optouts", "import", file, *option)
        assert refused.exit_code == 2
        assert "line 3 has its own account or topic" in " ".join(refused.stderr.split())
    assert _of(stage.services.optouts) == {EVERYTHING: []}
    file.write_text(f"phone,account,topic\n{ONE},,\n{TWO},,\n")
    assert run("optouts", "import", file, "--topic", "news").exit_code == 0
    assert _of(stage.services.optouts) == {EVERYTHING: [], Scope("default", "news"): [ONE, TWO]}
