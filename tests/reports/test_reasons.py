"""Reasons that the store keeps in English, in Russian."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from string import Formatter
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit
from campaigns.accounts.pauses import pause_for
from campaigns.errors import AccountRefusedError, PermitDeniedError, TooManyRequestsError
from campaigns.flow.scheduling.canary import Findings, Part, judged
from campaigns.jobs.checking import load_job
from campaigns.jobs.values import Canary
from campaigns.preparing.job import draft_reason
from campaigns.reports import page
from campaigns.reports.language import ENGLISH, Reason
from campaigns.reports.reasons import _FORMS, taken_apart
from campaigns.reports.russian import RUSSIAN
from campaigns.reports.russian_reasons import REASONS
from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from tests.reports.test_layout import report
from tests.support.budgets import PRICE, maker, spend
from tests.support.jobs import bulk_job, list_job, phones

LATIN = re.compile("[A-Za-z]{2,}")


def of_canaries() -> Iterator[str]:
    canary = Canary(1000, 1600, 0.2)
    nothing = Findings(recipients=1000, arrived=900, failed=0, open=0, held=0)
    for found, parts in (
        (replace(nothing, failed=1001, recipients=1200), ()),
        (replace(nothing, recipients=1, failed=1), ()),
        (replace(nothing, held=1), ()),
        (replace(nothing, held=1002), ()),
        (replace(nothing, arrived=0), ()),
        (nothing, [Part("Весна из 3", 10, 7, 3)]),
        (nothing, [Part("Весна", 10)]),
    ):
        yield judged(canary, found, 10**13, 0, 1, parts).why


def of_drafts() -> Iterator[str]:
    settings = Settings(approval_recipients=2000, approval_cost=Decimal("99.5"), message_cost=Decimal("0.05"))
    counts = {"total": 2500, "invalid": 1}

    def reason(job: dict[str, Any], settings: Settings = settings, **more: int) -> str:
        return draft_reason(settings, load_job(job, settings=settings, now=None), counts | more)  # type: ignore[arg-type]

    yield reason(bulk_job(phones(1), start="draft"))
    yield reason(bulk_job(phones(1)))
    yield reason(bulk_job(phones(1)), replace(settings, approval_recipients=None), total=1_000_000)
    yield reason(list_job())


def of_pauses() -> Iterator[str]:
    settings = Settings()
    for error in (
        TooManyRequestsError("sendBulkViber", "x", http_status=429),
        AccountRefusedError("sendBulkViber", "x", http_status=402, gateway_text="недостаточно средств"),
    ):
        pause = pause_for(error, settings, paid=True)
        assert pause is not None
        yield pause.reason
    yield "5 failures in a row; the last: время вышло"
    yield "1a2b3c-0 was sent twice"


@pytest.mark.parametrize("reason", [*of_canaries(), *of_drafts(), *of_pauses()])
def test_ours_are_said_in_russian(reason: str) -> None:
    """With every number that the English sentence has, and without an English word."""
    assert reason
    ours = taken_apart(reason)
    assert ours is not None
    assert ours.template in REASONS
    said = re.sub("<[^>]*>", "", RUSSIAN.mixed("{reason}", reason=Reason(reason)))
    assert LATIN.search(said) is None, said
    assert sorted(re.findall("[0-9]+", said)) == sorted(re.findall("[0-9]+", reason))


def test_every_sentence_has_its_reasons_and_places() -> None:
    assert {sentence for _, sentence in _FORMS} == set(REASONS)
    for english, russian in REASONS.items():
        assert places(russian) == places(english)


def places(sentence: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(sentence) if name)


def test_a_foreign_reason_stays() -> None:
    for text in ("the moon is full", "<b>", ""):
        assert taken_apart(text) is None
        assert (
            RUSSIAN.mixed("{a}", a=Reason(text)) == ENGLISH.mixed("{a}", a=Reason(text)) == ENGLISH.mixed("{a}", a=text)
        )


def test_those_of_the_store(settings: Settings, sandbox: Sandbox, prefix: str) -> None:
    """What scripts write of budgets and of runs of failures, and what a worker without a token writes."""
    stage = maker(settings, sandbox, prefix)(4, failures_before_pause=2, probe_after_s=60.0, account_pause_s=600.0)
    campaign = spend(stage, 8)
    reason = campaign.status().account_pause_reason
    ours = taken_apart(reason)
    assert ours is not None
    assert ours.values == {"budget": "0.196", "used": "0.196", "cost": str(PRICE * 4)}
    limiter = stage.services.limiter
    for _ in range(2):
        permit = limiter.acquire("shop")
        assert isinstance(permit, Permit)
        limiter.release(permit, used=True, outcome="failed")
    with pytest.raises(PermitDeniedError):
        stage.services.gateway("nobody").get_viber_messages()
    for account in ("shop", "nobody"):
        pause = limiter.pause_of(account)
        assert pause is not None
        assert taken_apart(pause[1]) is not None, pause


def test_the_page() -> None:
    html = page(report(3, account_pause_reason="too many requests", draft_reason="it was handed in as a draft"), "ru")
    assert "слишком много запросов" in html
    assert "too many requests" not in html
