"""The figures of a campaign stay as they were when people are erased: an outcome is kept, without whose it was."""

from __future__ import annotations

import re
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.evaluation import Results
from campaigns.person import erase
from campaigns.reports import page, report_on
from campaigns.reports.figures import Report
from campaigns.store.commands import Redis
from tests.evaluation.conftest import mailing, phone
from tests.support.jobs import list_job
from tests.support.stage import Stage

UNDELIVERED, STOP, YES = "9901", "9908", "9909"
PEOPLE = [phone(0), phone(1, UNDELIVERED), phone(1, STOP), phone(1, YES), phone(9), phone(8)]


@pytest.fixture
def campaign(stage: Stage) -> Campaign:
    """PEOPLE read it, did not get it, stopped it in both mailings, answered, opted out before planning and after."""
    first = [phone(0), phone(2), phone(0), phone(1, UNDELIVERED), phone(1, STOP), phone(9)]
    second = [phone(1, STOP), phone(1, YES), phone(8), phone(3)]
    stage.services.optouts.add([phone(9)])
    stage.services.limiter.pause("default", 60_000, "a test")
    campaign = stage.enqueue({"name": "Spring", "messages": [mailing("A", first), mailing("B", second)]})
    stage.services.optouts.add([phone(8)])
    stage.services.limiter.resume("default")
    stage.until(lambda: len(campaign.replies()) == 3)
    stage.finish(campaign)
    return campaign


def test_results(stage: Stage, campaign: Campaign) -> None:
    before = campaign.results()
    first, second = before.mailings
    assert (first.sent, first.read, first.failed, first.awaiting, first.excluded) == (
        *(4, 3, 1, 0),
        {"duplicate": 1, "opted_out": 1},
    )
    assert (second.replied, before.opted_out, before.opted_out_late) == (2, 1, 1)
    for person in PEOPLE:
        assert erase(stage.services, person).campaigns == 1
        assert plain(campaign.results()) == plain(before)
    assert {d.phone for d in campaign.deliveries()} == {phone(2), phone(3)}
    assert list(campaign.excluded()) == []
    assert erase(stage.services, PEOPLE[0]).campaigns == 0


def test_the_report(stage: Stage, campaign: Campaign) -> None:
    """Every figure of it; where one is in two places, both are the same."""
    before = report_on(stage.services, campaign.id)
    for person in PEOPLE:
        erase(stage.services, person)
    after = report_on(stage.services, campaign.id)
    assert counts(after) == counts(before)
    assert (after.adrift, after.unreported) == (0, 0)
    for language in ("en", "ru"):
        assert of_figures(page(after, language)) == of_figures(page(before, language))
    each = sum(mailing.costs["EUR"] for mailing in after.results.mailings) / after.status.statuses["READ"]
    assert after.status.cost is not None
    assert each == after.status.cost / sum(mailing.read for mailing in after.results.mailings)


def test_nothing_tells_who_it_was(stage: Stage, campaign: Campaign) -> None:
    """The outcome is kept without the gateway's id of the message and to a quarter of an hour."""
    store, keys = stage.services.store, stage.services.store.keys
    erase(stage.services, phone(0))
    batches = stage.services.batches.read_many([f"{campaign.id}-{n}" for n in range(campaign.status().batches)])
    (kept,) = [value for batch in batches for name, value in batch.fields.items() if name.startswith("erased:")]
    found = re.fullmatch(r'\["READ\|([0-9]+)\|\|0?"\]', kept)
    assert found is not None
    assert int(found[1]) % 900_000 == 0
    rows = store.ask(Redis.lrange, keys.excluded(campaign.id), 0, -1)
    assert b'["duplicate","",null,"",0]' in rows


def test_an_opt_out_that_is_erased_too(stage: Stage, campaign: Campaign) -> None:
    """Who is not on the suppression list any more does not count as opted out, and still as a person who replied."""
    before = campaign.results()
    erase(stage.services, phone(1, STOP), optout_too=True)
    after = campaign.results()
    assert (after.opted_out, after.optout_scopes) == (0, ())
    assert (after.replied, after.mailings[0].replied) == (before.replied, before.mailings[0].replied)


def test_a_list(stage: Stage) -> None:
    """A list mailing is scanned, and of one recipient's row only the outcome is left."""
    campaign = stage.enqueue(list_job(2))
    stage.finish(campaign)
    before = campaign.results()
    for delivery in list(campaign.deliveries())[:3]:
        erase(stage.services, delivery.phone)
    assert plain(campaign.results()) == plain(before)


def plain(results: Results) -> dict[str, Any]:
    return {**results.as_dict(), "made_at": ""}


def counts(report: Report) -> tuple[object, ...]:
    """What the report counts; times of single messages and the replies themselves are gone with the person."""
    words = {word: span.number for word, span in report.words}
    results = plain(report.results)
    return report.status, results, report.funnel, words, report.failures, report.price, report.excluded, report.classes


def of_figures(html: str) -> list[str]:
    """The sections that count, of a page."""
    found = re.findall(
        r'<section id="(glance|mailings|cost|funnel|everyone|excluded|optouts|open)"(.*?)</section>', html
    )
    assert len(found) >= 6
    return [content for _, content in found]
