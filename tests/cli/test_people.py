"""The commands about people: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaigns.cli.exit_codes import INTERRUPTED
from campaigns.cli.input.options import who
from campaigns.enqueue_many import enqueue_many
from campaigns.ledger import Campaign
from campaigns.ledger.audit import Audit
from campaigns.people.search import Search
from campaigns.store.commands import Redis
from tests.cli.conftest import Run
from tests.support.jobs import bulk_job, phones, quick_job, sample_job
from tests.support.stage import Stage


class TestSuppressed:
    """Phones that could not be reached."""

    def test_listed_explained_and_removed(self, run: Run, stage: Stage) -> None:
        store, (phone, other) = stage.services.store, phones(2)
        for one in (phone, other):
            store.ask(Redis.hset, store.keys.suppressed(), one, "86400000|3")
        assert sorted(run("suppressed", "list").stdout.split()) == [phone, other]
        listed = [json.loads(line) for line in run("suppressed", "list", "--json").stdout.splitlines()]
        assert {"phone": phone, "since_ms": 86_400_000, "messages": 3} in listed
        shown = run("explain", phone).stdout
        assert "suppressed since 1970-01-02" in shown
        assert f"3 messages did not reach it; campaigns suppressed remove {phone}" in shown
        assert json.loads(run("explain", phone, "--json").stdout)["suppressed"]["messages"] == 3
        removed = run("suppressed", "remove", phone, "--by", "ann", "--why", "has a new phone")
        assert (removed.exit_code, removed.stdout) == (0, "1 removed\n")
        assert run("suppressed", "list").stdout.split() == [other]
        record = next(Audit(store).newest())
        assert (record.deed, record.by, record.why) == ("suppression.removed", "ann", "has a new phone")
        assert phone not in run("audit").stdout
        assert json.loads(run("suppressed", "remove", phone, "--json").stdout) == {"removed": 0}


class TestExplain:
    """One person's history."""

    def test_for_people(self, run: Run, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2), name="Spring"))
        stage.finish(campaign)
        shown = run("explain", "8 029 100 00 00")
        assert shown.exit_code == 0, shown.output
        lines = shown.stdout.splitlines()
        assert lines[:3] == [f"{phones(1)[0]}, times in Europe/Minsk", "  not opted out", ""]
        assert lines[3].startswith(f"Spring ({campaign.id}): bulk, account default, handed in 20")
        assert f"batch {campaign.id}-0: sent, final" in lines[4]
        assert lines[-1].strip().startswith("READ 20")

    def test_for_programs(self, run: Run, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        about, trace = map(json.loads, run("explain", phones(1)[0], "--json").stdout.splitlines())
        assert about == {
            "phone": phones(1)[0],
            "optout": None,
            "optouts": [],
            "suppressed": None,
            "campaigns_searched": 1,
            "campaigns_kept": 1,
        }
        assert (trace["campaign_id"], trace["messages"][0]["state"]) == (campaign.id, "planned")

    def test_a_part_of_the_campaigns_is_called_a_part(self, run: Run, stage: Stage) -> None:
        """Otherwise "not among the newest" would read as "never messaged"."""
        first = stage.enqueue(quick_job(*phones(1)))
        enqueue_many(stage.services, [quick_job(phone) for phone in phones(120, start=1)])
        assert first.id in run("explain", phones(1)[0]).stdout
        part = "searched only the newest 100 of 121 campaigns that are kept"
        assert run("explain", phones(1)[0], "--campaigns", 100).stdout.splitlines()[2:] == [
            f"  {part}",
            "  in none of these",
        ]
        assert part not in run("explain", phones(1)[0], "--campaigns", 121).stdout
        (about,) = map(json.loads, run("explain", phones(1)[0], "--campaigns", 100, "--json").stdout.splitlines())
        assert (about["campaigns_searched"], about["campaigns_kept"]) == (100, 121)

    def test_a_search_is_broken_off(self, run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was found by then has been printed."""
        campaign, likely = stage.enqueue(quick_job(*phones(1))), Search.likely

        def until_somebody_presses_ctrl_c(*arguments: Any) -> Iterator[Campaign]:
            yield from likely(*arguments)
            raise KeyboardInterrupt

        monkeypatch.setattr(Search, "likely", until_somebody_presses_ctrl_c)
        ended = run("explain", phones(1)[0])
        assert (ended.exit_code, campaign.id in ended.stdout) == (INTERRUPTED, True)
        assert ended.stderr.splitlines() == ["campaigns: interrupted"]

    def test_a_refused_mailing_is_not_to_be_retried(self, run: Run, stage: Stage) -> None:
        """Only whole requests can be sent again."""
        job = sample_job(schedule=None)
        job["messages"][2]["content"]["image_url"] = "https://example-site.com/wrong-size.jpg"
        campaign = stage.enqueue(job)
        stage.finish(campaign)
        phone = next(d.phone for d in campaign.deliveries() if d.state == "rejected")
        shown = run("explain", phone).stdout
        assert "reason: mailing list 3: Optimal image size 800x800 px" in shown
        assert "campaigns retry" not in shown

    def test_a_message_id(self, run: Run, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        stage.finish(campaign)
        message_id = stage.services.batches.read(f"{campaign.id}-0").message_ids[0]
        shown = run("explain", "--message", message_id).stdout
        assert shown.startswith(f"campaign {campaign.id}, batch {campaign.id}-0, mailing 0")
        assert json.loads(run("explain", "--message", message_id, "--json").stdout)["campaign_id"] == campaign.id
        unknown = run("explain", "--message", 1)
        assert (unknown.exit_code, unknown.stderr) == (
            1,
            "campaigns: no message 1 of account default is known\n",
        )

    def test_wrong_ways_to_ask(self, run: Run) -> None:
        assert run("explain").exit_code == 2
        assert run("explain", phones(1)[0], "--message", "1").exit_code == 2
        ended = run("explain", "nobody")
        assert (ended.exit_code, ended.stderr) == (2, "campaigns: nobody: is not a phone number\n")


class TestErase:
    """Erasing one person."""

    def test_what_was_erased(self, run: Run, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        refused = run("erase", phones(1)[0])
        assert (refused.exit_code, refused.stdout) == (5, "")
        assert (
            refused.stderr.splitlines()[0]
            == f"campaigns: cannot erase yet, these batches are under way: {campaign.id}-0 (planned)"
        )
        stage.finish(campaign)
        stage.services.optouts.add(phones(1))
        said = run("erase", phones(1)[0]).stdout.splitlines()
        assert said[0].startswith("erased from 1 campaign: 1 delivery, 1 request body, 0 replies, 0 excluded rows")
        assert said[1].startswith("the opt-out stays")
        gone = json.loads(run("erase", phones(1)[0], "--optout-too", "--json").stdout)
        assert gone == {**dict.fromkeys(gone, 0), "optout": True}
        assert list(stage.services.optouts) == []


class TestOptOuts:
    """Lists in and out."""

    def test_why(self, run: Run, stage: Stage) -> None:
        run("optouts", "add", "375291111111", "--why", "wrote a letter")
        assert "wrote a letter" in run("explain", "375291111111").stdout

    def test_who_when_and_why_for_programs(self, run: Run, stage: Stage, tmp_path: Path) -> None:
        run("optouts", "add", "375291111111", "--why", "wrote a letter")
        run("optouts", "add", "375291111112")
        run("optouts", "import", "-", input="375291111113\n")
        lines = run("optouts", "list", "--json").stdout.splitlines()
        found = {row["phone"]: row for row in map(json.loads, lines)}
        assert {phone: row["why"] for phone, row in found.items()} == {
            "375291111111": "wrote a letter",
            "375291111112": "",
            "375291111113": "import of standard input",
        }
        assert {row["by"] for row in found.values()} == {who()}
        for row in found.values():
            since = datetime.fromisoformat(row["since"])
            assert abs(since.timestamp() - row["since_ms"] / 1000) < 1
            assert abs((datetime.now(UTC) - since).total_seconds()) < 60
        assert sorted(run("optouts", "export", "-", "--json").stdout.splitlines()) == sorted(lines)
        listed = tmp_path / "optouts.jsonl"
        run("optouts", "export", listed, "--json")
        stage.services.optouts.remove(found)
        assert run("optouts", "import", listed).stdout.startswith("3 added")
        assert sorted(run("optouts", "list").stdout.split()) == sorted(found)

    def test_import(self, run: Run, stage: Stage, tmp_path: Path) -> None:
        """What is no phone is named with its line, and nothing else is lost."""
        people = tmp_path / "people.csv"
        people.write_text("name;phone\nA;+375 29 111-11-11\nB;nobody\n\nC;80291111112\nD\n", "utf-8")
        ended = run("optouts", "import", people)
        assert ended.exit_code == 1
        assert ended.stderr == "line 3: is not a phone number\nline 6: is not a phone number\n"
        assert ended.stdout == "2 added, 2 lines not understood\n"
        assert set(stage.services.optouts) == {"375291111111", "375291111112"}
        noted = stage.services.optouts.of("375291111111")
        assert noted is not None
        assert noted.why == f"import of {people}"

    def test_import_of_many_lines(self, run: Run, stage: Stage, tmp_path: Path) -> None:
        people = tmp_path / "people.txt"
        people.write_text("\n".join([*phones(1200), *phones(5)]))
        ended = run("optouts", "import", people)
        assert (ended.exit_code, ended.stdout) == (0, "1,200 added, 0 lines not understood\n")
        assert len(stage.services.optouts) == 1200

    def test_import_from_standard_input_in_another_encoding(self, run: Run, stage: Stage) -> None:
        ended = run("optouts", "import", "-", input="375291111111\nтелефон\n".encode("cp1251"))
        assert (ended.exit_code, ended.stderr) == (1, "line 2: is not a phone number\n")
        assert list(stage.services.optouts) == ["375291111111"]

    def test_export_and_import_again(self, run: Run, stage: Stage, tmp_path: Path) -> None:
        stage.services.optouts.add(phones(700))
        listed = tmp_path / "optouts.txt"
        assert run("optouts", "export", listed).exit_code == 0
        assert sorted(listed.read_text().split()) == phones(700)
        assert sorted(run("optouts", "export", "-").stdout.split()) == phones(700)
        stage.services.optouts.remove(phones(700))
        assert run("optouts", "import", listed).stdout == "700 added, 0 lines not understood\n"

    def test_a_wrong_phone_changes_nothing(self, run: Run, stage: Stage) -> None:
        ended = run("optouts", "add", "375291111111", "nobody")
        assert (ended.exit_code, ended.stderr) == (2, "campaigns: nobody: is not a phone number\n")
        assert list(stage.services.optouts) == []
