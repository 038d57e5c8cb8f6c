"""`campaigns optouts` with an account or a topic: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from campaigns.ledger import Scope
from tests.cli.conftest import Run
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

ONE, TWO = phones(2)
OFFERS = ("--topic", "offers")


def test_added_listed_and_removed(run: Run, stage: Stage) -> None:
    added = run("optouts", "add", ONE, *OFFERS, "--by", "ann", "--why", "a letter")
    assert (added.exit_code, added.stdout) == (0, "1 added\n")
    assert run("optouts", "add", TWO, ONE).stdout == "2 added\n"
    assert run("optouts", "list", *OFFERS).stdout.split() == [ONE]
    assert sorted(run("optouts", "list").stdout.split()) == [ONE, TWO]
    listed = json.loads(run("optouts", "list", *OFFERS, "--account", "DEFAULT", "--json").stdout)
    assert (listed["phone"], listed["account"], listed["topic"], listed["why"]) == (
        ONE,
        "default",
        "offers",
        "a letter",
    )
    assert run("optouts", "scopes").stdout == "everything: 2 phones\ntopic offers of account default: 1 phone\n"
    scopes = [json.loads(line) for line in run("optouts", "scopes", "--json").stdout.splitlines()]
    assert scopes[1] == {"account": "default", "topic": "offers", "phones": 1}
    assert run("optouts", "export", "-", *OFFERS).stdout.split() == [ONE]


def test_a_topic_that_no_optout_had(run: Run, stage: Stage, tmp_path: Path) -> None:
    """It may be misspelt, so the topics that are known are named; the first topic of an account is as good as any."""
    assert run("optouts", "add", ONE, *OFFERS).stderr == ""
    hint = "no opt-out is of topic ofers of account default yet; other topics of its opt-outs: offers"
    assert run("optouts", "add", TWO, "--topic", "Ofers").stderr == f"{hint}\n"
    assert run("optouts", "add", ONE, "--topic", "ofers").stderr == ""
    stage.services.optouts.remove([ONE, TWO], scope=Scope("default", "ofers"))
    for topic, words in (("ofers", hint), ("offers", "")):
        (job := tmp_path / "job.json").write_text(json.dumps(bulk_job([TWO], topic=topic)), "utf-8")
        assert words in run("send", job, "--dry-run").stderr
        assert ("topic" in run("send", job, "--dry-run").stderr) is bool(words)


def test_what_stays_is_said(run: Run, stage: Stage) -> None:
    """Opting in to a topic again undoes no wider opt-out, and the other way round."""
    stage.services.optouts.add([ONE])
    stage.services.optouts.add([ONE], scope=Scope("default", "offers"))
    removed = run("optouts", "remove", ONE, *OFFERS)
    assert removed.stdout == (f"1 removed\n{ONE} is still opted out of everything: campaigns optouts remove {ONE}\n")
    run("optouts", "add", ONE, "--account", "default")
    answer = json.loads(run("optouts", "remove", ONE, "--json").stdout)
    assert (answer["removed"], [one["account"] for one in answer["left"]]) == (1, ["default"])
    left = run("optouts", "remove", ONE).stdout.splitlines()
    assert left == [
        "0 removed",
        f"{ONE} is still opted out of account default: campaigns optouts remove {ONE} --account default",
    ]


def test_what_a_list_leaves_out_is_said(run: Run, stage: Stage, tmp_path: Path) -> None:
    """An empty list must not look as if nobody had opted out."""
    stage.services.optouts.add([ONE, TWO], scope=Scope("default", "offers"))
    stage.services.optouts.add([ONE], "a letter", scope=Scope("shop"))
    stage.services.optouts.add([TWO], scope=Scope("shop", "news"))
    (out := tmp_path / "out.csv").write_text("")
    for arguments, left in (
        (("list",), "4 opt-outs of single accounts and topics"),
        (("list", "--json"), "4 opt-outs of single accounts and topics"),
        (("export", out), "4 opt-outs of single accounts and topics"),
        (("list", "--account", "shop"), "1 opt-out of topics of account shop"),
        (("export", "-", "--account", "shop"), "1 opt-out of topics of account shop"),
    ):
        ended = run("optouts", *arguments)
        assert (ended.exit_code, ended.stdout.strip() in {"", ONE}) == (0, True), ended.output
        assert ended.stderr == f"left out: {left}; with these: --all; to count them: campaigns optouts scopes\n"
    assert (
        run("optouts", "list", *OFFERS).stderr == run("optouts", "list", "--account", "default", *OFFERS).stderr == ""
    )
    assert out.read_text() == ""


def test_all_scopes(run: Run, stage: Stage, tmp_path: Path) -> None:
    stage.services.optouts.add([TWO])
    stage.services.optouts.add([ONE], "a letter", scope=Scope("shop"))
    stage.services.optouts.add([TWO], scope=Scope("shop", "news"))
    table = f"phone,account,topic\n{TWO},,\n{ONE},shop,\n{TWO},shop,news\n"
    listed = run("optouts", "list", "--all")
    assert (listed.stdout, listed.stderr) == (table, "")
    out = tmp_path / "out.csv"
    assert run("optouts", "export", out, "--all").output == ""
    assert out.read_text() == table
    shop = run("optouts", "list", "--all", "--account", "Shop").stdout.splitlines()
    assert shop == ["phone,account,topic", f"{ONE},shop,", f"{TWO},shop,news"]
    found = [json.loads(line) for line in run("optouts", "list", "--all", "--json").stdout.splitlines()]
    assert [(one["phone"], one["account"], one["topic"]) for one in found] == [
        (TWO, "", ""),
        (ONE, "shop", ""),
        (TWO, "shop", "news"),
    ]
    assert found[1]["why"] == "a letter"
    for more in (OFFERS, ("--campaign", "1")):
        assert run("optouts", "list", "--all", *more).exit_code == 2


def test_imported(run: Run, stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "no-offers.txt"
    file.write_text(f"{ONE}\n{TWO}\n")
    assert run("optouts", "import", file, *OFFERS).stdout == "2 added, 0 lines not understood\n"
    assert sorted(stage.services.optouts.members(Scope("default", "offers"))) == [ONE, TWO]
    assert list(stage.services.optouts) == []


def test_the_record_names_the_scope(run: Run) -> None:
    run("optouts", "add", ONE, *OFFERS, "--by", "ann", "--why", "a letter")
    assert (
        "ann added to the opt-outs 37529*****00 for topic offers of account default (1 phone): a letter"
        in run("audit").stdout
    )


def test_mistakes(run: Run, stage: Stage) -> None:
    for wrong, words in (
        (("add", ONE, "--topic", "no spaces"), "must be 1 to 40 Latin letters"),
        (("add", ONE, "--account", "a-b"), "must be an alias"),
        (("add", ONE, "--account", "shpo"), "has no token: set CAMPAIGNS_TOKEN_SHPO"),
        (("list", "--campaign", "1", *OFFERS), "give no --account, --topic or --all"),
        (("list", "--account", "shpo"), "'shpo' has no token and no opt-outs; accounts: default"),
        (("export", "-", "--account", "shpo"), "'shpo' has no token and no opt-outs; accounts: default"),
    ):
        ended = run("optouts", *wrong)
        assert ended.exit_code == 2
        assert words in " ".join(ended.stderr.split())
    assert stage.services.optouts.every_of(ONE) == []


def test_explained_and_erased(run: Run, stage: Stage) -> None:
    stage.services.optouts.add([ONE], "a letter", scope=Scope("default", "offers"))
    campaign = stage.enqueue(bulk_job([ONE, TWO], topic="offers"))
    stage.finish(campaign)
    shown = run("explain", ONE).stdout
    assert "opted out of topic offers of account default since" in shown
    assert f"campaigns optouts remove {ONE} --account default --topic offers" in shown
    about = json.loads(run("explain", ONE, "--json").stdout.splitlines()[0])
    assert (about["optout"], about["optouts"][0]["topic"]) == (None, "offers")
    assert "account default, topic offers" in run("status", campaign.id).stdout
    assert "the opt-out stays" in run("erase", ONE).stdout
    assert "the opt-out is erased as well" in run("erase", ONE, "--optout-too").stdout
    assert stage.services.optouts.every_of(ONE) == []
