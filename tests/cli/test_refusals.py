"""Why somebody was not messaged, whose reason that is, and how soon it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.store.commands import Redis
from tests.cli.conftest import Run
from tests.cli.output.test_progress import working
from tests.cli.test_cli import job_file
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job
from tests.support.stage import Stage


def over(stage: Stage, job: dict[str, Any]) -> Campaign:
    campaign = stage.enqueue(job)
    stage.finish(campaign)
    return campaign


class TestReasons:
    """`status` says why, and who says so."""

    def test_of_the_gateway(self, run: Run, stage: Stage) -> None:
        stage.sandbox.fault("refuse", "sendBulkViber")
        campaign = over(stage, bulk_job(phones(3)))
        (reason,) = campaign.status().reasons
        assert (reason.state, reason.by, reason.requests, reason.recipients) == ("rejected", "gateway", 1, 3)
        shown = run("status", campaign.id).stdout
        assert f"refused by the gateway, 3 recipients: {reason.words}" in shown
        assert "finished, all refused" in shown
        assert f"campaigns retry {campaign.id} --why REASON" in shown
        assert json.loads(run("status", campaign.id, "--json").stdout)["reasons"][0]["words"] == reason.words
        assert f"batch {campaign.id}-0: refused, not sent" in run("explain", phones(1)[0]).stdout

    def test_of_a_limit_of_ours(self, run: Run, stage: Stage) -> None:
        stage.sandbox.make_list(5, phones(4))
        campaign = over(stage, list_job(5, max_recipients=3))
        (reason,) = campaign.status().reasons
        assert (reason.by, reason.recipients) == ("here", 4)
        shown = run("status", campaign.id).stdout
        assert (
            "refused here, 4 recipients: not confirmed: the list has 4 recipients, the job's max_recipients is 3"
            in shown
        )
        assert "by the gateway" not in shown + run("report", campaign.id, "--output", "-").stdout

    def test_of_single_mailings(self, run: Run, stage: Stage) -> None:
        """The others of the same request went out; there is no whole request to be sent again."""
        job = sample_job(schedule=None)
        job["messages"][2]["content"]["image_url"] = "https://example-site.com/wrong-size.jpg"
        campaign = over(stage, job)
        (reason,) = campaign.status().reasons
        assert (reason.by, reason.requests, reason.recipients) == ("gateway", 0, 2)
        shown = run("status", campaign.id).stdout
        assert f"refused by the gateway, 2 recipients: {reason.words}" in shown
        assert "finished, part refused" in shown
        assert "campaigns retry" not in shown

    def test_of_what_is_held(self, run: Run, stage: Stage) -> None:
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = over(stage, bulk_job(phones(2)))
        shown = run("status", campaign.id).stdout
        assert "held, 2 recipients: " in shown
        assert "finished, held" in shown

    def test_nothing_to_say(self, run: Run, stage: Stage) -> None:
        campaign = over(stage, bulk_job(phones(2)))
        assert campaign.status().reasons == ()
        assert "refused" not in run("status", campaign.id).stdout


class TestLists:
    """A list without recipients, or one that does not exist, is reported as what it is."""

    @pytest.mark.parametrize(
        ("list_id", "said"),
        [(5, "refused here, 1 request: not confirmed: the gateway reports no recipients"), (77, "by the gateway")],
    )
    def test_nobody_to_send_to(self, run: Run, stage: Stage, tmp_path: Path, list_id: int, said: str) -> None:
        stage.sandbox.make_list(5, [])
        with working(stage):
            ended = run("send", job_file(tmp_path, list_job(list_id)), "--wait", 20)
        assert ended.exit_code == 1
        assert said in ended.stdout
        assert "finished, all refused" in ended.stdout
        assert "1 refused" in run("list").stdout
        assert stage.sandbox.ledger() == []

    def test_a_list_that_was_filled_since(self, stage: Stage) -> None:
        """It is created anew: the mailing that was created for nobody stays one for nobody."""
        stage.sandbox.make_list(5, [])
        campaign = over(stage, list_job(5))
        stage.sandbox.make_list(5, phones(2))
        assert campaign.retry(by="x", why="filled") == 1
        stage.finish(campaign)
        assert campaign.status().sent == 2


class TestAtOnce:
    """Whoever waits hears at once what keeps a campaign from going on."""

    @pytest.mark.parametrize("as_json", [False, True])
    def test_no_money(self, run: Run, stage: Stage, tmp_path: Path, as_json: bool) -> None:
        stage.sandbox.fault("no_money", "sendBulkViber", times=50)
        job = job_file(tmp_path, bulk_job(phones(2)))
        with working(stage):
            ended = run("send", job, "--wait", 1.5, *(["--json"] if as_json else []))
        assert ended.exit_code == 1
        reported = [line for line in ended.output.splitlines() if "Insufficient funds" in line]
        assert reported
        assert "is paused until" in reported[0]
        assert "continues without this command" not in ended.output
        if as_json:
            assert json.loads(ended.stdout)["account_pause_reason"]

    def test_refused(self, run: Run, stage: Stage, tmp_path: Path) -> None:
        """Shown once, while the other messages are still followed."""
        stage.sandbox.fault("refuse", "sendBulkViber")
        with working(stage):
            ended = run("send", job_file(tmp_path, bulk_job(phones(2))), "--wait", 20)
        assert ended.exit_code == 1
        assert ended.stdout.count("refused by the gateway") == 1
        assert ended.stdout.count("recipients handed in") == 1


class TestRepeats:
    """The same job again."""

    def test_without_a_key(self, run: Run, stage: Stage, tmp_path: Path) -> None:
        job = job_file(tmp_path, bulk_job(phones(2)))
        first = run("send", job)
        assert first.stderr == ""
        again = run("send", job, "--json")
        assert again.exit_code == 0
        first_id, again_id = first.stdout.split()[1], json.loads(again.stdout)["id"]
        assert f"campaign {first_id} has the same job" in again.stderr
        assert f"campaigns cancel {again_id}" in again.stderr
        assert "--key" in again.stderr
        assert run("send", job_file(tmp_path, bulk_job(phones(3)))).stderr == ""
        assert run("send", job_file(tmp_path, personal_job([{"phone": phones(1)[0], "text": "a"}]))).stderr == ""
        keys = stage.services.store.keys
        digest = stage.services.campaigns.read(first_id).fields["digest"]
        assert 0 < stage.services.store.ask(Redis.ttl, keys.recent_job(digest)) <= 86_400

    def test_under_another_key(self, run: Run, tmp_path: Path) -> None:
        """The dry run warns as well, when nothing has gone out yet; repeating a key warns of nothing."""
        job = job_file(tmp_path, bulk_job(phones(2)))
        assert run("send", job, "--key", "sale-1", "--dry-run").stderr == ""
        first_id = run("send", job, "--key", "sale-1").stdout.split()[1]
        words = f"campaign {first_id} has the same job under the key 'sale-1', handed in "
        for more in (["--key", "sale_1"], []):
            before = run("send", job, "--dry-run", *more)
            assert (before.exit_code, words in before.stderr, "would be messaged again" in before.stderr) == (
                0,
                True,
                True,
            )
        second = run("send", job, "--key", "sale_1")
        second_id = second.stdout.split()[1]
        assert words in second.stderr
        assert f"campaigns cancel {second_id}" in second.stderr
        for key in ("sale-1", "sale_1"):
            assert run("send", job, "--key", key).stderr == ""
            assert run("send", job, "--key", key, "--dry-run").stderr == ""
        assert f"campaign {second_id} has the same job under the key 'sale_1'" in run("send", job).stderr

    def test_with_its_key(self, run: Run, stage: Stage, tmp_path: Path) -> None:
        job = job_file(tmp_path, bulk_job(phones(2)))
        campaign_id = run("send", job, "--key", "k").stdout.split()[1]
        stage.until(lambda: stage.services.campaigns.read(campaign_id).over)
        for more in ([], ["--wait", 5]):
            again = run("send", job, "--key", "k", *more)
            assert (again.exit_code, again.stderr) == (0, "")
            assert f"campaign {campaign_id} has this key already" in again.stdout
            assert "finished" in again.stdout
            assert "follow it" not in again.stdout
        assert json.loads(run("send", job, "--key", "k", "--json").stdout)["existed"] is True

    def test_a_key_inside_of_the_job_counts_as_one_beside_it(self, run: Run, tmp_path: Path) -> None:
        job = job_file(tmp_path, bulk_job(phones(2)) | {"key": "k"})
        reported = [json.loads(run("send", job, *more, "--json").stdout) for more in ([], [], ["--key", "k"])]
        assert [one["existed"] for one in reported] == [False, True, True]
        assert len({one["id"] for one in reported}) == 1

    def test_a_file_that_begins_with_a_mark(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "job.json"
        path.write_text(json.dumps(quick_job(*phones(1))), "utf-8-sig")
        assert run("send", path).exit_code == 0
