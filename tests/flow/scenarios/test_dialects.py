"""The whole path under every dialect of the gateway. `pytest tests/flow --dialect NAME` runs all others under one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.sandbox.dialects import DIALECTS
from tests.support.doubt import in_doubt, send_younger
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job
from tests.support.stage import Stage

#: Spaces around it, an emoji, HTML, and longer than some gateways keep.
NAME = " Sale \U0001f600 <b>& more</b> for everybody who likes it "


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def mixed(number: int) -> dict[str, Any]:
    """Two mailings whose names begin alike; the gateway refuses the second one later."""
    good = bulk_job(phones(number, start=100), text=NAME)["messages"][0]
    bad = bulk_job(phones(2, start=200))["messages"][0]
    bad["content"] = {"type": "image", "image_url": "https://example.com/wrong-size.jpg"}
    return {"messages": [{**good, "name": NAME + "1"}, {**bad, "name": NAME + "2"}]}


def test_every_kind_to_its_last_status(stage: Stage, dialect: str) -> None:
    """Who got what, what was refused, what people replied and what it cost."""
    button = {"type_message": "BUTTON", "message": "press", "button": "Push me", "button_link": "https://example.com/a"}
    bulk = stage.enqueue(mixed(3))
    personal = stage.enqueue(personal_job([{"phone": phone, "text": f"to {phone}"} for phone in phones(3, start=300)]))
    quick = stage.enqueue(quick_job("375297779901", "375297779909"))
    listed = stage.enqueue(list_job(1, **button))
    stop = stage.enqueue(bulk_job(["375297779908", "375297779913"]))
    stage.finish(bulk, personal, quick, listed, stop)
    assert bulk.status().statuses == {"READ": 3}
    assert bulk.status().recipients["rejected"] == 2
    assert personal.status().statuses == {"READ": 3}
    assert quick.status().statuses == {"UNDELIVERED": 1, "READ": 1}
    assert str(listed.status().cost).startswith("0.196")
    if dialect != "masking":  # which names nobody of a list
        assert listed.status().statuses == {"READ": 4}
        assert {delivery.phone for delivery in listed.deliveries()} == {row["phone"] for row in sent(stage, "press")}
    stage.until(lambda: set(stage.services.optouts) == {"375297779908", "375297779913"})
    stage.until(lambda: len(quick.replies()) == 1 and stage.sandbox.summary()["unmarked_replies"] == 0)
    assert [reply.phone for reply in quick.replies()] == ["375297779909"]


def sent(stage: Stage, text: str) -> list[dict[str, Any]]:
    return [row for row in stage.sandbox.ledger() if row["text"] == text]


class TestDoubt:
    """An answer is lost. No message goes out twice, whatever the listing shows; and what it shows is enough."""

    #: Dialects whose listing leaves something in the dark: there a request in doubt may end as held.
    DARK = frozenset({"hiding", "masking", "lagging"})

    def lost(self, make_stage: Callable[..., Stage], fault: str) -> tuple[Stage, Campaign]:
        stage = make_stage(on_unknown="resend", settle_window_s=0.4, check_interval_s=0.1)
        before = stage.enqueue(bulk_job(phones(2, start=50), text="before"))
        stage.until(lambda: before.status().sent == 2)
        campaign = in_doubt(stage, fault, bulk_job(phones(3), name="doubt"))
        stage.finish(before, send_younger(stage), campaign, timeout_s=30)
        assert max(Counter((row["phone"], row["text"]) for row in stage.sandbox.ledger()).values()) == 1
        return stage, campaign

    def test_it_had_arrived(self, make_stage: Callable[..., Stage], dialect: str) -> None:
        stage, campaign = self.lost(make_stage, "reset_after")
        assert len(sent(stage, "hello")) == 3
        if dialect not in self.DARK:
            assert campaign.status().statuses == {"READ": 3}

    def test_it_had_not_arrived(self, make_stage: Callable[..., Stage], dialect: str) -> None:
        stage, campaign = self.lost(make_stage, "reset_before")
        if dialect == "hiding":
            assert campaign.status().recipients["held"] == 3
        elif dialect not in self.DARK:
            assert campaign.status().statuses == {"READ": 3}
        assert len(sent(stage, "hello")) == campaign.status().sent
