"""Opt-outs after planning: recipients who opted out before the claim are not messaged, and the recipients add up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from campaigns.ledger import Claim
from campaigns.recipients.exclusions import Excluded
from campaigns.store.commands import Redis
from tests.support import claims
from tests.support.doubt import send_younger
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job
from tests.support.stage import Stage


def sent(stage: Stage) -> list[str]:
    return sorted(row["phone"] for row in stage.sandbox.ledger())


class TestWhoOptsOutLater:
    """Between planning and sending."""

    def test_bulk(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(5)))
        stage.services.optouts.add([phones(5)[2], "375259999999"])
        stage.finish(campaign)
        assert sent(stage) == [phone for phone in phones(5) if phone != phones(5)[2]]
        status = campaign.status()
        assert (status.total, status.recipients["opted_out"], status.recipients["settled"]) == (5, 1, 4)
        assert list(campaign.excluded()) == [Excluded("opted_out", f"{campaign.id}-0", phones(5)[2], mailing=0)]
        assert [d.phone for d in campaign.deliveries()] == sent(stage)
        event = next(e for e in stage.events(campaign) if e.type == "batch.reduced")
        assert event.data == {"opted_out": 1, "suppressed": 0, "capped": 0, "erased": 0, "recipients": 4}

    def test_personal_with_two_texts_to_one_phone(self, stage: Stage) -> None:
        one, other = phones(2)
        rows = [{"phone": one, "text": "a"}, {"phone": one, "text": "b"}, {"phone": other, "text": "c"}]
        campaign = stage.enqueue(personal_job(rows))
        stage.services.optouts.add([one])
        stage.finish(campaign)
        assert [(row["phone"], row["text"]) for row in stage.sandbox.ledger()] == [(other, "c")]
        recipients = campaign.status().recipients
        assert (recipients["opted_out"], recipients["settled"], recipients["cancelled"]) == (2, 1, 0)

    def test_a_mailing_loses_everybody(self, stage: Stage) -> None:
        """The others move up, and what becomes known goes to the right ones."""
        job = sample_job(schedule=None)
        gone = [str(row["phone"] if isinstance(row, dict) else row) for row in job["messages"][0]["delivery_list"]]
        rows = [row for mailing in job["messages"][1:] for row in mailing["delivery_list"]]
        others = {str(row["phone"] if isinstance(row, dict) else row) for row in rows}
        campaign = stage.enqueue(job)
        stage.services.optouts.add(gone)
        stage.finish(campaign)
        delivery_ids = {(d.mailing, d.phone): d.delivery_id for d in campaign.deliveries()}
        assert delivery_ids == {(row["mailing"], row["phone"]): row["delivery_id"] for row in stage.sandbox.ledger()}
        assert not set(gone) & set(sent(stage))
        assert set(sent(stage)) == others - set(gone)

    def test_everybody(self, stage: Stage) -> None:
        """A batch without anybody is cancelled, and costs nothing."""
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.services.optouts.add(phones(3))
        stage.finish(campaign)
        status = campaign.status()
        assert (status.state, status.recipients["opted_out"], stage.sandbox.ledger()) == ("finished", 3, [])
        assert stage.event_types(campaign)[-3:] == ["batch.reduced", "batch.cancelled", "campaign.finished"]
        assert "sendBulkViber" not in stage.sandbox.summary()["requests"]

    def test_quick(self, stage: Stage) -> None:
        campaign = stage.enqueue(quick_job(*phones(3)))
        stage.services.optouts.add(phones(1))
        stage.finish(campaign)
        assert sent(stage) == phones(2, start=1)
        assert campaign.status().recipients["opted_out"] == 1

    def test_lists_are_kept_at_the_gateway(self, stage: Stage) -> None:
        campaign = stage.enqueue(list_job(2))
        stage.services.optouts.add(phones(1))
        stage.finish(campaign)
        assert campaign.status().sent == 25

    def test_by_a_reply(self, stage: Stage) -> None:
        """Who answers STOP to one campaign gets nothing of another that was planned before."""
        stopping = "375297779908"
        second = stage.enqueue(bulk_job([stopping, *phones(1)], text="second"))
        second.pause()
        first = stage.enqueue(bulk_job([stopping], text="first"))
        stage.until(lambda: len(first.replies()) == 1)
        second.resume()
        stage.finish(first, second)
        assert {row["phone"] for row in stage.sandbox.ledger() if row["text"] == "second"} == set(phones(1))
        why = stage.services.optouts.of(stopping)
        assert why is not None
        assert why.why == f"reply {first.replies()[0].id} to campaign {first.id}"

    def test_by_another_program(self, stage: Stage) -> None:
        """A program that writes to the set itself changes its size, and not the counter."""
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.services.store.ask(Redis.sadd, stage.services.store.keys.optouts(), phones(1)[0])
        stage.finish(campaign)
        assert sent(stage) == phones(2)[1:]

    def test_before_a_retry(self, stage: Stage) -> None:
        """A batch that was refused is checked again before it goes again."""
        stage.sandbox.fault("refuse", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        stage.services.optouts.add(phones(1))
        campaign.retry(by="me", why="put right")
        stage.finish(campaign)
        assert sent(stage) == phones(3)[1:]
        assert campaign.status().recipients["opted_out"] == 1

    @pytest.mark.clear_listing
    def test_before_it_is_sent_again_after_doubt(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(on_unknown="resend")
        stage.finish(stage.enqueue(bulk_job(phones(1, start=50), text="seen in the listing")))
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.until(lambda: campaign.status().recipients["unknown"] == 3)
        stage.services.optouts.add(phones(1))
        send_younger(stage)
        stage.finish(campaign)
        assert set(sent(stage)) == {*phones(3)[1:], *phones(1, start=50), *phones(2, start=500)}

    @pytest.mark.parametrize("fault", ["reset_after", "cut_body"])
    @pytest.mark.clear_listing
    def test_evidence_fits_what_was_sent(self, stage: Stage, fault: str) -> None:
        """A reduced request in doubt is found in the listing by the phones that it carried."""
        stage.sandbox.fault(fault, "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(4)))
        stage.services.optouts.add(phones(1))
        stage.finish(campaign)
        assert "batch.unknown" in stage.event_types(campaign)
        assert campaign.status().statuses == {"READ": 3}
        assert sent(stage) == phones(4)[1:]

    @pytest.mark.clear_listing
    def test_reduced_after_a_doubt_and_in_doubt_again(self, stage: Stage) -> None:
        """The first request would show other phones: absence cannot be proven, and a person decides."""
        stage.finish(stage.enqueue(bulk_job(phones(1, start=50), text="seen in the listing")))
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.until(lambda: campaign.status().recipients["unknown"] == 3)
        stage.services.optouts.add(phones(1))
        send_younger(stage)
        stage.sandbox.fault("reset_before", "sendBulkViber")
        stage.finish(campaign)
        recipients = campaign.status().recipients
        assert (recipients["held"], recipients["opted_out"]) == (2, 1)
        assert sent(stage) == [*phones(1, start=50), *phones(2, start=500)]

    @pytest.mark.clear_listing
    def test_reduced_and_still_sent_twice(self, stage: Stage) -> None:
        """The first request had arrived, unseen, with more phones: the double send to the others is reported."""
        stage.sandbox.change(list_bulk=False)
        stage.sandbox.fault("reset_after", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        stage.services.optouts.add(phones(1))
        campaign.resolve("resend", by="ann", why="not in the cabinet")
        stage.until(lambda: campaign.status().sent == 2)
        stage.sandbox.change(list_bulk=True)
        stage.until(lambda: "batch.double_send_detected" in stage.event_types(campaign))
        assert campaign.status().balanced

    def test_nothing_is_checked_while_the_list_stays(self, stage: Stage) -> None:
        stage.services.optouts.add(phones(1))
        campaign = stage.enqueue(bulk_job(phones(3)))
        assert isinstance(claims.claim(stage.services, f"{campaign.id}-0"), Claim)

    def test_opt_outs_of_other_people_change_nothing(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        body = stage.services.batches.body(f"{campaign.id}-0")
        stage.services.optouts.add(["375259999999"])
        stage.finish(campaign)
        assert stage.services.batches.body(f"{campaign.id}-0") == body
        assert "batch.reduced" not in stage.event_types(campaign)
