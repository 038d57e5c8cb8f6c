"""Campaigns that are over soon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.reports import page, report_on
from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from tests.support.html import Html
from tests.support.jobs import phones
from tests.support.stage import Stage

#: Undelivered, blocked, no word ever, "Yes", "Yes" and "Thank you".
UNDELIVERED, BLOCKED, SILENT, YES, TWICE = (f"37529777{last}" for last in (9901, 9905, 9912, 9909, 9910))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Delivery life a thousand times as fast."""
    with Sandbox(options=Options(speed=1000)) as sandbox:
        yield sandbox


def mailing(name: str, recipients: list[str], text: str = "Скидки") -> dict[str, Any]:
    return {
        "name": name,
        "alphaname_id": 444,
        "message_type": "bulk",
        "content": {"type": "text", "text": text},
        "delivery_list": recipients,
    }


def spring(name: str = "Весенняя распродажа") -> dict[str, Any]:
    """Twelve handed in: nine planned, of whom seven have it, five read it and two answer; one is never heard of."""
    first = [*phones(3), phones(1)[0], "nobody", UNDELIVERED, BLOCKED]
    second = [YES, TWICE, SILENT, "375291999999", "375297779904"]
    return {"name": name, "messages": [mailing("Минск", first), mailing("Гомель", second)]}


def run_spring(stage: Stage, **more: Any) -> Campaign:
    stage.services.optouts.add(["375291999999"])
    campaign = stage.enqueue({**spring(), **more})
    stage.until(lambda: len(campaign.replies()) == 3)
    stage.finish(campaign)
    return campaign


def read(stage: Stage, campaign: Campaign) -> Html:
    return Html(page(report_on(stage.services, campaign.id)))
