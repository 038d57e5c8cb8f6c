"""One check of the listing makes few requests, however long the listing is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.answers.rows import DeliveryRows
from campaigns.flow.doubt.listing import PAGES
from campaigns.flow.doubt.reconcile import reconcile_batch
from campaigns.gateway import Gateway
from tests.support.claims import send
from tests.support.doubt import ask_through, in_doubt, most_copies, send_younger
from tests.support.jobs import bulk_job, phones
from tests.support.reads import Read
from tests.support.stage import Stage

RESEND = {"on_unknown": "resend"}


class Counting(Gateway):
    """Counts what a check asks for."""

    asked: list[str] = []

    def _note(self, method: str) -> None:
        Counting.asked.append(method)

    def get_viber_messages(self, **options: Any) -> Any:
        self._note("listing")
        return super().get_viber_messages(**options)

    def get_viber_delivery_list(self, message_id: int) -> Any:
        self._note("phones")
        return super().get_viber_delivery_list(message_id)

    def status_bulk_viber(self, uuid: str) -> Any:
        self._note("uuid")
        return super().status_bulk_viber(uuid)


def checks(stage: Stage, batch_id: str, number: int) -> list[int]:
    """How many requests each of some checks makes, one after the other."""
    counts = []
    for _ in range(number):
        Counting.asked = []
        reconcile_batch(stage.services, batch_id)
        counts.append(len(Counting.asked))
    return counts


@pytest.mark.clear_listing
def test_a_check_is_bounded_however_many_batches_are_on_their_way(make_stage: Callable[..., Stage]) -> None:
    """A hundred batches of the same text whose ids are not known yet; the one in doubt is among them."""
    stage = make_stage(recipients_per_request=1, settle_window_s=600.0, check_interval_s=0.001)
    campaign = stage.enqueue(bulk_job(phones(101)))
    stage.sandbox.fault("reset_after", "sendBulkViber")
    for number in range(101):
        send(stage.services, f"{campaign.id}-{number}")
    ask_through(stage, Counting)
    found = f"{campaign.id}-0"
    assert stage.services.batches.read(found).state == "unknown"
    counts: list[int] = []
    while stage.services.batches.read(found).state == "unknown" and len(counts) < 40:
        counts += checks(stage, found, 1)
    assert stage.services.batches.read(found).state == "accepted"
    assert max(counts) <= PAGES + 20 + 20 + 3


@pytest.mark.clear_listing
def test_a_listing_of_thousands_is_read_in_turns(make_stage: Callable[..., Stage]) -> None:
    """More than 5,000 foreign mailings, the oldest first: each check reads some pages, and absence is proven all the
    same."""
    stage = make_stage(settle_window_s=0.5, check_interval_s=0.05)
    campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), **RESEND))
    send_younger(stage)
    state = stage.sandbox.service.state
    (template,) = [m for m in state.mailings.values() if m.content.text == "younger"][:1]
    data = stage.services.gateway("default").get_viber_message_data(template.message_id)
    foreign = [data._replace(message_id=100_000 + n, message=f"code {n}") for n in range(5200)]

    class Long(Counting):
        def get_viber_messages(self, *, offset: int = 0, rows: int = 100) -> Any:
            self._note("listing")
            ours = Gateway.get_viber_messages(self, offset=0, rows=1000)
            return [*foreign, *reversed(ours)][offset : offset + rows]

        def get_viber_delivery_list(self, message_id: int) -> Any:
            if message_id >= 100_000:
                self._note("phones")
                return Read(DeliveryRows([{"phone": "375331234567", "status": "READ", "delivery_id": 1}]))
            return super().get_viber_delivery_list(message_id)

    ask_through(stage, Long)
    stage.until(lambda: campaign.status().sent == 3)
    assert most_copies(stage) == 1
