"""The report on a campaign of which every request was refused, and our reasons for it in the language of the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from campaigns.reports import page, report_on
from campaigns.reports.language import Reason
from campaigns.reports.reasons import taken_apart
from campaigns.reports.russian import RUSSIAN
from tests.cli.output.test_status_table import a_status
from tests.reports.conftest import UNDELIVERED, mailing
from tests.reports.test_layout import report
from tests.support.html import Html
from tests.support.jobs import bulk_job, list_job, phones
from tests.support.stage import Stage

NAMES = re.compile(r"CAMPAIGNS_[A-Z_]+|max_[a-z]+")
LATIN = re.compile("[A-Za-z]{2,}")
NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)


def test_a_limit_below_the_whole_list(make_stage: Callable[..., Stage]) -> None:
    """The headline says what the state would hide, and the first section why nobody got it."""
    stage = make_stage(message_cost=Decimal("0.05"))
    campaign = stage.enqueue(list_job(2, max_cost="0.10"))
    stage.finish(campaign)
    found = report_on(stage.services, campaign.id)
    english, russian = Html(page(found)), Html(page(found, "ru"))
    assert "finished, all refused" in english.text
    assert 'class="state bad"' in page(found)
    assert "Nothing: everything was refused." in english.sections["At a glance"]
    assert "messages refused before sending. Reason: refused here: not confirmed: the expected cost" in english.text
    assert "завершена, всё отклонено" in russian.text
    glance = russian.sections["Коротко"]
    assert "отклонено до шлюза: рассылка не подтверждена: ожидаемая стоимость" in glance
    assert LATIN.findall(NAMES.sub("", glance)) == []
    assert "expected cost" not in russian.text


def test_a_request_that_no_budget_pays_for(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(message_cost=Decimal("0.05"), daily_budget=Decimal("0.10"))
    campaign = stage.enqueue(bulk_job(phones(3)))
    stage.until(lambda: campaign.status().state == "paused")
    russian = Html(page(report_on(stage.services, campaign.id), "ru"))
    assert "Кампания приостановлена: запрос стоит 0.15, а весь дневной бюджет — 0.1." in russian.text


def test_what_the_gateway_wrote(stage: Stage) -> None:
    """The words of the gateway stay as they are, in any language."""
    stage.sandbox.fault("refuse", "sendBulkViber", text="not confirmed: of one text")
    campaign = stage.enqueue({"messages": [mailing("A", [*phones(2), UNDELIVERED])]})
    stage.finish(campaign)
    russian = Html(page(report_on(stage.services, campaign.id), "ru"))
    assert "Причина: not confirmed: of one text" in russian.sections["Коротко"]


@pytest.mark.parametrize(("held", "words"), [(5, "завершена, есть задержанные"), (0, "завершена, часть отклонена")])
def test_a_part(held: int, words: str) -> None:
    recipients = {**a_status().recipients, "held": held, "rejected": 7}
    html = page(report(0, state="finished", recipients=recipients, requests={}), "ru")
    assert f'<span class="state warn">{words}</span>' in html
    assert f", {words}." in html


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"state": "paused", "pause_cause": "canary"}, "приостановлена, проба не прошла"),
        ({"state": "paused", "pause_cause": "over_budget"}, "приостановлена, не хватает бюджета"),
        ({"state": "ready", "canary": "under way"}, "идёт проба"),
        ({"state": "ready", "window_opens_at": NOON}, "вне времени отправки"),
        ({"state": "ready", "events_full_since": NOON, "recipients": {"planned": 1}}, "поток событий полон"),
    ],
)
def test_what_the_state_would_hide(more: dict[str, Any], words: str) -> None:
    state = Html(page(report(0, **more), "ru")).text
    assert words in state


@pytest.mark.parametrize("limit", [{"max_recipients": 1}, {"max_cost": "0.10"}], ids=["recipients", "cost"])
def test_limits_of_a_list(make_stage: Callable[..., Stage], limit: dict[str, object]) -> None:
    stage = make_stage(message_cost=Decimal("0.05"))
    campaign = stage.enqueue(list_job(2, **limit))
    stage.finish(campaign)
    (refusal,) = report_on(stage.services, campaign.id).refusals
    assert isinstance(refusal.words, Reason)
    said = re.sub("<[^>]*>", "", RUSSIAN.reason(refusal.words))
    assert said.startswith("отклонено до шлюза: рассылка не подтверждена: ")
    assert LATIN.findall(NAMES.sub("", said)) == []


@pytest.mark.parametrize(
    "reason",
    [
        "the request body has expired before it was sent",
        "not confirmed: the gateway reports no recipients on this list",
        "not confirmed: max_cost cannot be checked; set CAMPAIGNS_MESSAGE_COST",
    ],
)
def test_the_others(reason: str) -> None:
    assert taken_apart(reason) is not None
    assert LATIN.findall(NAMES.sub("", re.sub("<[^>]*>", "", RUSSIAN.reason(f"refused here: {reason}")))) == []
