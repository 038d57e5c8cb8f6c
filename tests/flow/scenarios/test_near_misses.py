"""Evidence that is nearly there, late, or cannot be had: never taken for absence."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit
from campaigns.answers.rows import DeliveryRows
from campaigns.errors import (
    NotSentError,
    OutcomeUnknownError,
)
from campaigns.flow.doubt.double_sends import watch
from campaigns.flow.doubt.reconcile import reconcile_batch
from campaigns.flow.outcome import refused
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.gateway import Gateway
from tests.support import claims
from tests.support.claims import record, send
from tests.support.doubt import ask_through, in_doubt, most_copies, run_to_its_end, send_known, send_younger
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job
from tests.support.stage import Stage


def test_one_phone_dropped_by_the_gateway(stage: Stage) -> None:
    """The listed mailing lacks one of our phones (not on Viber, say): surely not 'absent'."""
    send_known(stage)

    class Dropping(Gateway):
        def get_viber_delivery_list(self, message_id: int) -> Any:
            polled = super().get_viber_delivery_list(message_id)
            data = polled.data

            class P:
                digest = polled.digest

            P.data = DeliveryRows.of(row for row in data if row.phone != phones(1)[0])
            return P

    ask_through(stage, Dropping)
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), on_unknown="resend"))
    send_younger(stage)
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1


def test_delivery_list_still_empty(stage: Stage) -> None:
    send_known(stage)

    class Empty(Gateway):
        def get_viber_delivery_list(self, message_id: int) -> Any:
            polled = super().get_viber_delivery_list(message_id)

            class P:
                digest = polled.digest

            P.data = DeliveryRows([])
            return P

    ask_through(stage, Empty)
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), on_unknown="resend"))
    send_younger(stage)
    stage.until(lambda: campaign.status().recipients["held"] == 3 or most_copies(stage) > 1, 5)
    assert most_copies(stage) == 1


@pytest.mark.parametrize("text", ["hello ", "line\r\ntwo"])
def test_text_trimmed_by_the_gateway(stage: Stage, text: str) -> None:
    send_known(stage)

    class Trimming(Gateway):
        def get_viber_messages(self, **k: Any) -> Any:
            return [
                m._replace(message=m.message.strip().replace("\r\n", "\n")) for m in super().get_viber_messages(**k)
            ]

    ask_through(stage, Trimming)
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), text=text, on_unknown="resend"))
    send_younger(stage)
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1


def test_listing_oldest_first(make_stage: Callable[..., Stage], prefix: str) -> None:
    """The contract's own sample shows the older mailing first. A hundred older ones fill the first page."""
    stage = make_stage()
    send_known(stage)

    class OldestFirst(Gateway):
        def get_viber_messages(self, *, offset: int = 0, rows: int = 100) -> Any:
            everything = super().get_viber_messages(offset=0, rows=10000)
            return list(reversed(everything))[offset : offset + rows]

    g = ask_through(stage, OldestFirst)
    world = stage.sandbox.service.world
    for n in range(110):
        g.send_quick_viber_message({"vibername_id": "7", "phone": phones(1, start=900 + n)[0], "message": f"old {n}"})
    for m in world.mailings.values():
        m.created_ms -= 3_600_000
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), on_unknown="resend"))
    send_younger(stage)
    run_to_its_end(stage, campaign)
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
        def get_viber_messages(self, **k: Any) -> Any:
            w = stage.sandbox.service.world
            return [
                m for m in super().get_viber_messages(**k) if str(w.mailings[m.message_id].phones[0]) != phones(1)[0]
            ]

    ask_through(stage, FirstRefused)
    campaign = in_doubt(stage, "reset_after", job)
    send_younger(stage)
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1


def test_two_alike_mailings_in_another_order(stage: Stage) -> None:
    """Both went out, the gateway numbered them the other way round."""
    send_known(stage)
    job = bulk_job(phones(2), text="same", on_unknown="resend")
    job["messages"].append({**bulk_job(phones(2, start=10), text="same")["messages"][0], "name": "second"})

    class Swapped(Gateway):
        def get_viber_messages(self, **k: Any) -> Any:
            rows = super().get_viber_messages(**k)
            ids = [m.message_id for m in rows if m.message == "same"]
            swap = dict(zip(ids, reversed(ids), strict=False))
            self.swap = swap
            return [m._replace(message_id=swap.get(m.message_id, m.message_id)) for m in rows]

        def get_viber_delivery_list(self, message_id: int) -> Any:
            return super().get_viber_delivery_list(getattr(self, "swap", {}).get(message_id, message_id))

    ask_through(stage, Swapped)
    campaign = in_doubt(stage, "reset_after", job)
    send_younger(stage)
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1


def test_frozen_between_look_and_decision(make_stage: Callable[..., Stage]) -> None:
    """Evidence shows within the settle window, as set; a worker freezes with an early listing in its hands."""
    stage = make_stage(settle_window_s=2.0, check_interval_s=0.2)
    send_known(stage)
    time.sleep(1.1)
    stage.sandbox.change(listing_delay_s=1.0)
    looks = []

    class Freezing(Gateway):
        def get_viber_messages(self, **k: Any) -> Any:
            rows = super().get_viber_messages(**k)
            looks.append(1)
            if len(looks) == 2:
                time.sleep(2.2)
            return rows

    ask_through(stage, Freezing)
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), on_unknown="resend"))
    send_younger(stage)
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1


def test_body_expired_in_doubt(stage: Stage) -> None:
    """Nothing can be compared any more, so nothing is proven: held, not 'rejected, certainly not sent'."""
    send_known(stage)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
    stage.until(lambda: campaign.status().recipients["unknown"] == 3)
    stage.services.store.ask("delete", stage.services.store.keys.body(f"{campaign.id}-0"))
    run_to_its_end(stage, campaign)
    r = campaign.status().recipients
    assert (r["rejected"], r["held"]) == (0, 3)


def test_listing_refused_for_good(stage: Stage) -> None:
    """An account that may not list: the doubt must come to a person at some time."""
    stage.sandbox.fault("refuse", "getViberMessages", times=None)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3)))
    stage.until(lambda: campaign.status().recipients["held"] == 3, 8)


def test_list_mailing_gone(stage: Stage) -> None:
    stage.sandbox.fault("reset_after", "confirmViberMessage")
    campaign = stage.enqueue(list_job(1))

    class Gone(Gateway):
        def confirm_viber_message(self, *a: Any, **k: Any) -> None:
            try:
                super().confirm_viber_message(*a, **k)
            finally:
                stage.sandbox.fault("refuse", "getViberMessageData", times=None)

    ask_through(stage, Gone)
    stage.until(lambda: campaign.status().recipients["held"] == 4, 8)


@pytest.mark.clear_listing
def test_an_earlier_attempts_look_counts_for_the_next(stage: Stage) -> None:
    send_known(stage)
    campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
    bid = f"{campaign.id}-0"
    s = stage.services
    claim = claims.claim(s, bid)
    declare_unknown(s, claim.batch)
    send_younger(stage)
    reconcile_batch(s, bid)
    assert s.batches.read(bid).number("checks") == 1
    record(s, claim, Permit("default", "x"), refused(NotSentError("m", "guard"), claim.batch, s.settings, 0.0))
    assert s.batches.read(bid).state == "planned"
    claim = claims.claim(s, bid)
    record(s, claim, Permit("default", "y"), refused(OutcomeUnknownError("m", "cut"), claim.batch, s.settings, 0.0))
    time.sleep(0.7)
    reconcile_batch(s, bid)  # the first look of this attempt
    assert s.batches.read(bid).state == "unknown"


@pytest.mark.parametrize("other", ["bulk", "quick"])
def test_a_personal_mailing_takes_anothers_mailing_as_its_evidence(stage: Stage, other: str) -> None:
    """Both requests in doubt; only the other one arrived. To one phone each, both plain text."""
    send_known(stage)
    stage.finish(stage.enqueue(quick_job(phones(1, start=60)[0], message="known quick")))
    (p,) = phones(1)
    stage.sandbox.fault("reset_before", "sendBulkViber")
    personal = stage.enqueue(personal_job([{"phone": p, "text": "for you"}], on_unknown="resend"))
    send(stage.services, f"{personal.id}-0")
    if other == "bulk":
        stage.sandbox.fault("reset_after", "sendBulkViber")
        q = stage.enqueue(bulk_job([p], text="for all", on_unknown="resend"))
    else:
        stage.sandbox.fault("reset_after", "sendQuickViberMessage")
        q = stage.enqueue(quick_job(p, message="for all", on_unknown="resend"))
    stage.until(lambda: all(c.status().state == "finished" for c in (personal, q)))
    got = Counter(r["text"] for r in stage.sandbox.ledger())
    assert got["for all"] == 1, "the other was sent twice"
    assert got["for you"] == 1 or not personal.status().sent, "the personal one was lost"


@pytest.mark.clear_listing
def test_a_twin_sent_while_the_watch_looks(stage: Stage) -> None:
    """An identical campaign goes out between the check for lookalikes and the listing: nothing is sent twice."""
    send_known(stage)
    a = in_doubt(stage, "reset_before", bulk_job(phones(3), on_unknown="resend"))
    send_younger(stage)
    bid = f"{a.id}-0"
    stage.until(lambda: len(stage.services.batches.read(bid).message_ids) == 1)
    assert "resent_ms" in stage.services.batches.read(bid).fields
    b = stage.enqueue(bulk_job(phones(3)))
    before = stage.services

    class Meanwhile(Gateway):
        def get_viber_messages(self, **k: Any) -> Any:
            send(before, f"{b.id}-0")
            return super().get_viber_messages(**k)

    ask_through(stage, Meanwhile)
    watch(stage.services, stage.services.batches.read(bid))
    assert a.status().double_sends == 0
    assert stage.services.limiter.pause_of("default") is None


def test_the_late_mailing_of_a_batch_that_was_written_off(stage: Stage) -> None:
    """It is no evidence for the same campaign sent again, whose own request never arrived."""
    send_known(stage)
    stage.sandbox.change(list_bulk=False)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    first = stage.enqueue(bulk_job(phones(3)))
    stage.until(lambda: first.status().recipients["held"] == 3)
    first.resolve("write-off", by="operator", why="nobody knows")
    stage.sandbox.change(list_bulk=True)
    stage.sandbox.fault("reset_before", "sendBulkViber")
    again = stage.enqueue(bulk_job(phones(3)))
    run_to_its_end(stage, again)
    assert again.status().recipients["held"] == 3
