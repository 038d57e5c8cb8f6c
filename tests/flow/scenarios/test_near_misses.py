"""A listing that nearly shows what was sent is never taken for absence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.answers.rows import DeliveryRows
from campaigns.gateway import Gateway
from tests.support.doubt import (
    ask_through,
    in_doubt,
    lose_answer,
    most_copies,
    run_to_its_end,
    send_known,
    send_younger,
)
from tests.support.jobs import bulk_job, personal_job, phones
from tests.support.reads import Read
from tests.support.stage import Stage


def test_one_phone_dropped_by_the_gateway(stage: Stage) -> None:
    """The listed mailing lacks one of our phones (not on Viber, say): surely not 'absent'."""
    send_known(stage)

    class Dropping(Gateway):
        def get_viber_delivery_list(self, message_id: int) -> Any:
            polled = super().get_viber_delivery_list(message_id)
            return Read(DeliveryRows.of(row for row in polled.data if row.phone != phones(1)[0]), polled.digest)

    ask_through(stage, Dropping)
    lose_answer(stage, bulk_job(phones(3), on_unknown="resend"))
    assert most_copies(stage) == 1


def test_delivery_list_still_empty(stage: Stage) -> None:
    send_known(stage)

    class Empty(Gateway):
        def get_viber_delivery_list(self, message_id: int) -> Any:
            return Read(DeliveryRows([]), super().get_viber_delivery_list(message_id).digest)

    ask_through(stage, Empty)
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), on_unknown="resend"))
    send_younger(stage)
    stage.until(lambda: campaign.status().recipients["held"] == 3 or most_copies(stage) > 1, 5)
    assert most_copies(stage) == 1


@pytest.mark.parametrize("text", ["hello ", "line\r\ntwo"])
def test_text_trimmed_by_the_gateway(stage: Stage, text: str) -> None:
    send_known(stage)

    class Trimming(Gateway):
        def get_viber_messages(self, **options: Any) -> Any:
            return [
                listed._replace(message=listed.message.strip().replace("\r\n", "\n"))
                for listed in super().get_viber_messages(**options)
            ]

    ask_through(stage, Trimming)
    lose_answer(stage, bulk_job(phones(3), text=text, on_unknown="resend"))
    assert most_copies(stage) == 1


def test_listing_oldest_first(make_stage: Callable[..., Stage], prefix: str) -> None:
    """The contract's own sample shows the older mailing first. A hundred older ones fill the first page."""
    stage = make_stage()
    send_known(stage)

    class OldestFirst(Gateway):
        def get_viber_messages(self, *, offset: int = 0, rows: int = 100) -> Any:
            everything = super().get_viber_messages(offset=0, rows=10000)
            return list(reversed(everything))[offset : offset + rows]

    gateway = ask_through(stage, OldestFirst)
    for number, phone in enumerate(phones(110, start=900)):
        gateway.send_quick_viber_message({"vibername_id": "7", "phone": phone, "message": f"old {number}"})
    for mailing in stage.sandbox.service.state.mailings.values():
        mailing.created_ms -= 3_600_000
    lose_answer(stage, bulk_job(phones(3), on_unknown="resend"))
    assert most_copies(stage) == 1


def test_listing_pages_smaller_than_asked(stage: Stage) -> None:
    """The gateway caps limit_rows at 3: a page of three rows is not the end."""
    send_known(stage)

    class Capped(Gateway):
        def get_viber_messages(self, *, offset: int = 0, rows: int = 100) -> Any:
            return super().get_viber_messages(offset=offset, rows=min(rows, 3))

    ask_through(stage, Capped)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
    stage.until(lambda: campaign.status().recipients["unknown"] == 3)
    stage.enqueue(bulk_job(phones(3, start=70), text="more"))
    stage.enqueue(bulk_job(phones(3, start=80), text="more2"))
    stage.enqueue(bulk_job(phones(3, start=90), text="more3"))
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1


def test_second_of_two_alike_mailings(stage: Stage) -> None:
    """The first mailing of the request was refused, the second, which looks alike, went out; the answer was lost."""
    send_known(stage)
    job = personal_job([{"phone": p, "text": "one"} for p in phones(2)], on_unknown="resend")
    second = personal_job([{"phone": p, "text": "two"} for p in phones(2, start=10)])["messages"][0]
    job["messages"].append({**second, "name": "second"})

    class FirstRefused(Gateway):
        def get_viber_messages(self, **options: Any) -> Any:
            mailings = stage.sandbox.service.state.mailings
            return [
                listed
                for listed in super().get_viber_messages(**options)
                if str(mailings[listed.message_id].phones[0]) != phones(1)[0]
            ]

    ask_through(stage, FirstRefused)
    lose_answer(stage, job)
    assert most_copies(stage) == 1


def test_two_alike_mailings_in_another_order(stage: Stage) -> None:
    """Both went out, the gateway numbered them the other way round."""
    send_known(stage)
    job = bulk_job(phones(2), text="same", on_unknown="resend")
    job["messages"].append({**bulk_job(phones(2, start=10), text="same")["messages"][0], "name": "second"})

    class Swapped(Gateway):
        def get_viber_messages(self, **options: Any) -> Any:
            rows = super().get_viber_messages(**options)
            ids = [listed.message_id for listed in rows if listed.message == "same"]
            self.swap = swap = dict(zip(ids, reversed(ids), strict=False))
            return [listed._replace(message_id=swap.get(listed.message_id, listed.message_id)) for listed in rows]

        def get_viber_delivery_list(self, message_id: int) -> Any:
            return super().get_viber_delivery_list(getattr(self, "swap", {}).get(message_id, message_id))

    ask_through(stage, Swapped)
    lose_answer(stage, job)
    assert most_copies(stage) == 1
