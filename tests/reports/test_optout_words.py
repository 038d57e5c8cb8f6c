"""What report and command say of people who opted out by a reply, by what they opted out of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.cli.output.results_table import result_lines
from campaigns.ledger import EVERYTHING, Scope
from campaigns.results import Reply
from tests.reports.conftest import read
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

#: By scope: the first answer of the report, its section, and the line of the command.
WORDS: dict[tuple[str, ...], tuple[str, str, str]] = {
    ("all",): ("get no more messages.", "every later campaign excludes them", "and gets no more messages."),
    ("account",): ("messages of this account.", "its later campaigns exclude them", "messages of this account."),
    ("topic",): ("messages about this topic.", "later campaigns about it exclude them", "messages about this topic."),
    ("all", "topic"): (
        "not all of them of everything.",
        "only of this account or topic",
        "not all of them of everything.",
    ),
}


def replied_stop(stage: Stage, campaign: Campaign, scopes: tuple[str, ...]) -> None:
    """A phone for each scope opted out by a reply, while the setting asked for that."""
    batch, names = stage.services.batches.read(f"{campaign.id}-0"), {"all": EVERYTHING, "account": Scope("default")}
    for number, scope in enumerate(scopes):
        reply = Reply(str(number), phones(2)[number], "stop", 1, batch.id, "")
        stage.services.replies.add(batch, [reply])
        stage.services.optouts.remove([reply.phone])
        why = f"reply {reply.id} to campaign {campaign.id}"
        out_of = names.get(scope, Scope("default", "offers"))
        stage.services.optouts.add([reply.phone], why, "recipient", scope=out_of)


@pytest.mark.parametrize("scopes", WORDS, ids=",".join)
def test_words(make_stage: Callable[..., Stage], scopes: tuple[str, ...]) -> None:
    stage = make_stage()
    job: dict[str, Any] = bulk_job(phones(3), topic="offers")
    campaign = stage.enqueue(job)
    stage.until(lambda: campaign.status().sent == 3)
    replied_stop(stage, campaign, scopes)
    html, (answer, section, line) = read(stage, campaign), WORDS[scopes]
    assert answer in html.sections["At a glance"]
    assert section in html.sections["Not to be written to again"]
    assert any(line in said for said in result_lines(campaign.results()))
