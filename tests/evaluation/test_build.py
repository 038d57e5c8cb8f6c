"""Results by mailing, of campaigns that really ran."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from campaigns.campaign import Campaign
from campaigns.evaluation import Results
from campaigns.evaluation.responses import responses_to
from tests.evaluation.conftest import mailing, phone
from tests.support.jobs import list_job, quick_job
from tests.support.stage import Stage

UNDELIVERED, DELIVERED, BLOCKED, ODD, STOP, YES, TWICE, SILENT = (
    *("9901", "9904", "9905", "9906"),
    *("9908", "9909", "9910", "9912"),
)
BUTTON = {
    "type": "button",
    "text": "Half price",
    "caption": "Buy",
    "image_url": "https://example.com/a.jpg",
    "button_link": "https://example.com/",
}


def job() -> dict[str, object]:
    """Two mailings that share requests, an excluded phone of each kind, and people who are in both."""
    first = [phone(n) for n in range(5)] + [phone(1, fate) for fate in (UNDELIVERED, BLOCKED, ODD, STOP, TWICE)]
    second = [phone(1, STOP), phone(2, STOP), phone(1, DELIVERED), phone(3, YES), phone(1, TWICE), phone(9)]
    return {
        "name": "Spring",
        "messages": [mailing("A", [*first, phone(0), "nobody"]), mailing("B", second, **BUTTON)],
    }


def ran(stage: Stage) -> Campaign:
    stage.services.optouts.add([phone(9)])
    campaign = stage.enqueue(job())
    stage.until(lambda: len(campaign.replies()) == 8)
    stage.finish(campaign)
    return campaign


def test_two_mailings(stage: Stage) -> None:
    """Each recipient, each reply and each opt-out is counted once, where it belongs."""
    campaign = ran(stage)
    found = campaign.results()
    a, b = found.mailings
    assert (a.name, a.content.text, a.content.type, a.content.message_type) == ("A", "Text A", "text", "bulk")
    assert (b.content.text, b.content.button, b.content.link) == ("Half price", "Buy", "https://example.com/")
    assert b.content.image == "https://example.com/a.jpg"
    assert (a.recipients, a.sent, a.delivered, a.read, a.failed, a.never_known) == (10, 10, 7, 7, 2, 1)
    assert (b.recipients, b.sent, b.delivered, b.read, b.failed, b.never_known) == (5, 5, 5, 4, 0, 0)
    assert (a.excluded, b.excluded) == ({"duplicate": 1, "invalid": 1}, {"opted_out": 1})
    assert {(f.status, f.messages) for f in a.failures} == {("UNDELIVERED", 1), ("BLOCKED", 1)}
    assert "blocked the sender" in next(f for f in a.failures if f.status == "BLOCKED").meaning
    assert (a.replied, b.replied, found.replied) == (2, 4, 4)
    assert (a.opted_out + b.opted_out, found.opted_out) == (2, 2)
    assert a.costs == {"EUR": Decimal("0.49")}
    assert a.costs_per_read == {"EUR": Decimal("0.07")}
    assert found.excluded_elsewhere == {}
    assert sum(found.read_hours) == 11
    (one,) = found.comparisons
    assert (one.best, one.other, one.beyond_chance) == (0, 1, False)
    whole_is_the_sum(campaign, found)
    people_are_the_same_in_several_passes(stage, campaign)
    opt_outs_are_those_of_today(stage, campaign)


def whole_is_the_sum(campaign: Campaign, found: Results) -> None:
    """The counters, which scripts raised one by one, agree with what was computed."""
    status = campaign.status()
    assert sum(m.sent for m in found.mailings) == status.sent
    assert sum(m.read for m in found.mailings) == status.statuses["READ"]
    assert sum(sum(m.excluded.values()) for m in found.mailings) + status.sent == status.total
    assert sum((m.costs["EUR"] for m in found.mailings), Decimal(0)) == status.cost
    for m in found.mailings:
        assert m.recipients == m.sent + m.waiting + m.in_doubt + m.refused + m.cancelled
        assert m.sent == m.delivered + m.failed + m.never_known + m.awaiting
    assert found.as_dict()["mailings"][0]["costs"] == {"EUR": str(found.mailings[0].costs["EUR"])}


def people_are_the_same_in_several_passes(stage: Stage, campaign: Campaign) -> None:
    """Of very many replies only a part of the people is in memory at a time."""
    record = stage.services.campaigns.read(campaign.id)
    once, often = (responses_to(stage.services, record, replies) for replies in (8, 700_000))
    assert (once.people, once.replied, once.opted_out) == (often.people, often.replied, often.opted_out)


def opt_outs_are_those_of_today(stage: Stage, campaign: Campaign) -> None:
    """A person who stopped for another reason, or who is back, was not lost by this campaign."""
    assert sorted(one.phone for one in campaign.opted_out()) == [phone(1, STOP), phone(2, STOP)]
    stage.services.optouts.remove([phone(1, STOP)])
    assert [(one.phone, one.mailing) for one in campaign.opted_out()] == [(phone(2, STOP), "B")]
    assert campaign.results().opted_out == 1


def test_an_opt_out_that_came_later(stage: Stage) -> None:
    """Between planning and sending: excluded, and counted for its mailing, although the batch holds both."""
    stage.services.limiter.pause("default", 60_000, "a test")
    campaign = stage.enqueue(job())
    stage.services.optouts.add([phone(1, YES), phone(3, YES)])
    stage.services.limiter.resume("default")
    stage.until(lambda: len(campaign.replies()) == 7)
    stage.finish(campaign)
    found = campaign.results()
    assert (found.mailings[1].recipients, found.mailings[1].sent) == (5, 5)
    assert [mailing.excluded.get("opted_out", 0) for mailing in found.mailings] == [0, 1]
    assert (found.excluded_elsewhere, found.opted_out_late) == ({}, 1)
    assert [one.mailing for one in campaign.excluded() if one.reason == "opted_out"] == [1]


def test_files_of_several_mailings(stage: Stage, tmp_path: Path) -> None:
    """The lines of two files say which file, and the results say which mailing."""
    two = job()
    for number, message in enumerate(two["messages"]):
        message["delivery_list"] = tmp_path / f"{number}.csv"
        rows = [phone(number, YES), *["no phone"] * (number + 1), phone(number, YES)]
        message["delivery_list"].write_text("\n".join(("phone", *rows)), "utf-8")
    found = stage.enqueue(two).results()
    assert [dict(mailing.excluded) for mailing in found.mailings] == [
        {"invalid": 1, "duplicate": 1}, {"invalid": 2, "duplicate": 1},
    ]  # fmt: skip
    assert found.excluded_elsewhere == {}


def test_before_anything_is_sent(stage: Stage) -> None:
    found = stage.enqueue(job()).results()
    assert [(m.recipients, m.waiting, m.open, m.sent) for m in found.mailings] == [(10, 10, 10, 0), (6, 6, 6, 0)]
    assert (found.comparisons, found.mailings[0].costs_per_read, found.replied) == ((), {}, 0)


def test_what_the_gateway_refused(stage: Stage) -> None:
    stage.sandbox.fault("refuse", "sendBulkViber")
    campaign = stage.enqueue({"messages": [mailing("A", [phone(1)]), mailing("B", [phone(2)])]})
    stage.finish(campaign)
    assert [(m.recipients, m.refused, m.open) for m in campaign.results().mailings] == [(1, 1, 0), (1, 1, 0)]


def test_reads_that_are_not_followed(stage: Stage) -> None:
    campaign = stage.enqueue({**job(), "follow": "delivered"})
    stage.finish(campaign)
    found = campaign.results()
    assert (found.follows_reads, found.comparisons) == (False, ())


def test_single_messages(stage: Stage) -> None:
    """One mailing without a name, in many requests."""
    campaign = stage.enqueue(quick_job(phone(1, YES), phone(2, TWICE), phone(3), name="Codes"))
    stage.until(lambda: len(campaign.replies()) == 3)
    (only,) = campaign.results().mailings
    assert (only.name, only.recipients, only.sent, only.replied) == ("Codes", 3, 3, 2)


def test_a_list_of_the_gateways(stage: Stage) -> None:
    """Its recipients are known once the gateway has counted them."""
    campaign = stage.enqueue(list_job(2, name="Newsletter"))
    stage.finish(campaign)
    (only,) = campaign.results().mailings
    status = campaign.status()
    assert (only.recipients, only.sent, only.read) == (status.total, status.sent, status.statuses["READ"])
    assert (only.name, only.content.text, status.sent) == ("Newsletter", "list hello", 25)


def test_the_hours_are_those_of_the_window(stage: Stage) -> None:
    windowed = {**job(), "send_between": ["00:00", "24:00"], "send_zone": "Asia/Tokyo"}
    assert stage.enqueue(windowed).results().zone == "Asia/Tokyo"
    assert stage.enqueue({**windowed, "send_zone": "recipient"}).results().zone == "Europe/Minsk"
