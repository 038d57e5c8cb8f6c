"""The list of campaigns, filters, and ids as people type them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.campaign_filters import Wanted, needs
from campaigns.campaign_status import Status
from campaigns.cli.input.ids import full_batch_id
from campaigns.cli.output.campaign_list import Singles, lines_of
from campaigns.client import Client
from campaigns.store.commands import Redis
from tests.cli.conftest import Run
from tests.cli.output.test_status_table import a_status
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)
GOOD = {"balanced": True, "double_sends": 0, "account_paused_until": None, "recipients": {}, "state": "finished"}


def of(**more: Any) -> Status:
    return a_status(**{**GOOD, "created_at": NOON, **more})


def single(number: int, **more: Any) -> Status:
    return of(id=f"{number:021x}", kind="quick", total=1, sent=1, final=1, **more)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (of(), ""),
        (of(recipients={"held": 3}), "3 held"),
        (of(requests={"rejected": 1}), "1 refused"),
        (of(recipients={"rejected": 12, "held": 1}), "1 held"),
        (of(state="invalid"), "invalid job"),
        (of(state="abandoned"), "not stored whole"),
        (of(state="paused"), "paused"),
        (of(state="paused", pause_cause="canary"), "canary failed"),
        (of(state="paused", canary="failed", pause_cause="over_budget"), "over budget"),
        (of(state="draft"), "to approve"),
        (of(double_sends=2), "2 went out twice"),
        (of(balanced=False), "does not add up"),
        (of(account_paused_until=NOON, recipients={"planned": 1}), "account is paused"),
        (of(account_paused_until=NOON), ""),
        (of(state="ready", events_full_since=NOON, recipients={"planned": 1}), "event stream full"),
        (of(state="ready", events_full_since=NOON), ""),
    ],
)
def test_what_needs_a_person(status: Status, said: str) -> None:
    assert needs(status) == said


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(kinds={"bulk"}, accounts={"default"}, name="SPRING", states={"finished"}), True),
        (Wanted(kinds={"quick"}), False),
        (Wanted(kinds={"quick", "bulk"}, states={"held", "finished"}, accounts={"shop", "default"}), True),
        (Wanted(test=True), False),
        (Wanted(test=False), True),
        (Wanted(accounts={"shop"}), False),
        (Wanted(name="summer"), False),
        (Wanted(states={"refused"}), False),
        (Wanted(since=NOON - timedelta(seconds=1)), True),
        (Wanted(since=NOON + timedelta(seconds=1)), False),
        (Wanted(needs_person=True), False),
    ],
)
def test_filters(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(of()) is fits


def test_what_was_refused_is_found_by_it() -> None:
    assert Wanted(states={"refused"}).fits(of(requests={"rejected": 1}))
    assert Wanted(states={"held"}).fits(of(recipients={"held": 1}))


def test_what_waits_is_found_by_that_for_which_it_waits() -> None:
    waiting = of(state="ready", window_opens_at=NOON)
    assert Wanted(states={"window"}).fits(waiting)
    assert not Wanted(states={"canary"}).fits(waiting)
    assert Wanted(states={"canary"}).fits(of(state="ready", canary="under way"))
    assert Wanted(states={"canary"}).fits(of(state="paused", pause_cause="canary"))


def test_single_messages_do_not_push_campaigns_off() -> None:
    statuses = [*map(single, range(300)), of(id="a"), single(400, recipients={"rejected": 1}), of(id="b"), of(id="c")]
    lines = list(lines_of(statuses, Wanted(), 3, fold=True))
    folded = lines[0]
    assert isinstance(folded, Singles)
    assert (len(folded.found), folded.needs) == (301, "1 of them")
    assert [line.id for line in lines[1:] if isinstance(line, Status)] == ["a", "b"]
    assert len(list(lines_of(statuses, Wanted(), 1000, fold=False))) == 304


def test_the_list(run: Run, stage: Stage) -> None:
    for number in range(3):
        stage.enqueue(quick_job(phones(1, number)[0]))
    campaign = stage.enqueue(bulk_job(phones(2), name="Spring [sale]"))
    campaign.pause()
    shown = run("list").stdout
    assert "3 single messages" in shown
    assert "Spring [sale]" in shown
    assert "paused" in shown
    assert "times in Europe/Minsk" in shown
    assert len(run("list", "--singles").stdout.splitlines()) == len(shown.splitlines()) + 2
    rows = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [row["needs_person"] for row in rows] == ["paused", "", "", ""]
    assert json.loads(run("list", "--needs-you", "--json").stdout)["id"] == campaign.id
    assert campaign.id in run("list", "--kind", "BULK", "--name", "sale", "--state", "Paused").stdout
    assert run("list", "--state", "paused", "--state", "held", "--no-tests").stdout.count(campaign.id) == 1
    assert run("list", "--account", "shop").stdout.startswith("no campaign matches")
    assert run("list", "--since", "2020-01-01").stdout == shown
    assert run("list", "--since", "2099-01-01T00:00").stdout.startswith("no campaign matches")
    for wrong in (["--state", "done"], ["--kind", "sms"], ["--since", "yesterday"]):
        ended = run("list", *wrong)
        assert (ended.exit_code, ended.stdout) == (2, "")


class TestDeliveries:
    """A filter that can never fit is an error, and capitals do not matter."""

    def test_words(self, run: Run, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.finish(campaign)
        for word in ("READ", "read", "Read"):
            assert len(run("deliveries", campaign.id, "--status", word, "--state", "SETTLED").stdout.splitlines()) == 2
        unknown = run("deliveries", campaign.id, "--status", "NOPE")
        assert (unknown.exit_code, unknown.stdout) == (2, "")
        assert "DELIVERED" in unknown.stderr
        assert "UNDELIVERED" in unknown.stderr
        assert run("deliveries", campaign.id, "--state", "nope").exit_code == 2
        none = run("deliveries", campaign.id, "--status", "expired")
        assert (none.exit_code, none.stdout) == (0, "")

    def test_a_word_of_the_gateways_own(self, run: Run, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        keys, ask = stage.services.store.keys, stage.services.store.ask
        ask(Redis.hset, keys.campaign(campaign.id), "s:Moderated", 1)
        assert run("deliveries", campaign.id, "--status", "moderated").exit_code == 0


class TestIds:
    """A beginning that only one campaign has is enough."""

    def test_a_unique_beginning(self, run: Run, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        for command in ("status", "pause", "resume", "deliveries", "export", "poll"):
            assert run(command, campaign.id[:12]).exit_code == 0, command
        for typed in (campaign.id[:1].upper(), campaign.id.upper(), f" {campaign.id} "):
            assert json.loads(run("status", typed, "--json").stdout)["id"] == campaign.id
        assert run("status", "f" * 12).exit_code == 4
        assert run("status", "*").exit_code == 4

    def test_an_ambiguous_one(self, run: Run, stage: Stage) -> None:
        ids = sorted(stage.enqueue(bulk_job(phones(1, n), name="x")).id for n in range(2))
        ended = run("cancel", ids[0][:1])
        assert ended.exit_code == 2
        assert all(one in ended.stderr for one in ids)
        assert "type more of the id" in ended.stderr
        assert {json.loads(line)["state"] for line in run("list", "--json").stdout.splitlines()} == {"ready"}

    @pytest.mark.parametrize("typed", ["3", "1a2b-3", "1a-3", "-3"])
    def test_batches(self, typed: str) -> None:
        assert full_batch_id("1a2b", typed) == "1a2b-3"

    def test_batches_of_others(self) -> None:
        assert full_batch_id("1a2b", "ff-3") == "ff-3"
        assert full_batch_id("1a2b", None) is None


def test_the_filters_in_python(stage: Stage) -> None:
    """`list_campaigns` takes what the command takes."""
    first = stage.enqueue(bulk_job(phones(1), name="Spring"))
    stage.enqueue(quick_job(*phones(1), name="Autumn"))
    draft = stage.enqueue(bulk_job(phones(2), name="Spring again"), start="draft", by="ann")
    client = Client.over(stage.services)

    def found(**filters: Any) -> list[str]:
        return [status.id for status in client.list_campaigns(**filters)]

    assert found(name="SPRING") == [draft.id, first.id]
    assert found(name="spring", limit=1) == [draft.id]
    assert found(kind="Bulk", state="ready") == [first.id]
    assert found(needs_you=True) == found(state="draft") == [draft.id]
    assert found(account="shop") == found(since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert len(found(since="2026-01-01")) == len(found(since=datetime(2026, 1, 1))) == 3  # noqa: DTZ001 (the zone is ours)
    for wrong in ({"state": "gone"}, {"kind": "post"}, {"since": "soon"}):
        with pytest.raises(ValueError, match="must"):
            client.list_campaigns(**wrong)  # type: ignore[arg-type]
