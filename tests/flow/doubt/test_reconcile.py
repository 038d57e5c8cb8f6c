"""Bytes left, and no clear answer came: found out, or held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.campaign import Campaign
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.gateway import Gateway, Transport
from campaigns.store.commands import Redis, command
from tests.support import claims
from tests.support.doubt import in_doubt, send_younger
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.loads import weigh
from tests.support.stage import Stage


class TestDoubt:
    """Bytes left, and no clear answer came."""

    AFTER = ("reset_after", "hang_after", "error_500_after", "cut_headers", "cut_body", "garbage", "html", "redirect")

    @pytest.mark.parametrize("fault", AFTER)
    @pytest.mark.clear_listing
    def test_evidence_is_found(self, stage: Stage, fault: str) -> None:
        """The listing shows that it was sent: accepted, and followed to the end."""
        stage.sandbox.fault(fault, "sendBulkViber", delay_s=3)
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert "batch.unknown" in stage.event_types(campaign)
        assert campaign.status().statuses == {"READ": 3}
        assert len(stage.sandbox.ledger()) == 3

    @pytest.mark.parametrize("fault", ["reset_before", "error_500_before", "hang_before"])
    def test_absence_is_never_assumed(self, stage: Stage, fault: str) -> None:
        """Without another batch of ours in the listing nothing is proven: held, even with on_unknown resend."""
        stage.sandbox.fault(fault, "sendBulkViber", delay_s=3)
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert stage.sandbox.ledger() == []

    @pytest.mark.clear_listing
    def test_absence_is_proven_and_resent(self, stage: Stage) -> None:
        campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), on_unknown="resend"))
        send_younger(stage)
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}
        assert len(stage.sandbox.ledger()) == 5

    @pytest.mark.clear_listing
    def test_absence_is_proven_and_held(self, stage: Stage) -> None:
        campaign = in_doubt(stage, "reset_before", bulk_job(phones(3)))
        send_younger(stage)
        stage.finish(campaign)
        assert "on_unknown is hold" in stage.services.batches.read(f"{campaign.id}-0").fields["text"]
        assert campaign.status().recipients["held"] == 3
        assert len(stage.sandbox.ledger()) == 2

    def test_a_listing_that_shows_nothing_resends_nothing(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        stage.sandbox.change(list_bulk=False)
        stage.sandbox.fault("reset_after", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert len(stage.sandbox.ledger()) == 5

    def test_lookalikes_prove_nothing_for_each_other(self, stage: Stage) -> None:
        """Two lookalikes, one sent and one not: neither may take the mailing for its own."""
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        stage.sandbox.fault("reset_after", "sendBulkViber")
        stage.sandbox.fault("reset_before", "sendBulkViber")
        pair = [stage.enqueue(bulk_job(phones(3), on_unknown="resend")) for _ in range(2)]
        stage.finish(*pair)
        assert [c.status().recipients["held"] for c in pair] == [3, 3]
        assert len(stage.sandbox.ledger()) == 5

    def test_thousands_of_lookalikes(self, stage: Stage) -> None:
        """Single messages with the same words are read some at a time, and an event names the first of them."""
        campaign = in_doubt(stage, "reset_before", bulk_job(phones(3)))
        store, batch = stage.services.store, stage.services.batches.read(f"{campaign.id}-0")
        others = sorted(f"{n:021x}-0" for n in range(3000))
        key, for_ever_ms = store.keys.lookalikes(batch.mailings[0].fingerprint), 2_000_000_000_000
        store.ask(Redis.zadd, key, {f"{other}:0": for_ever_ms for other in others})
        unknown = {"state": "unknown", "kind": "bulk", "account": "default", "attempt": 1}
        store.ask_many([command(Redis.hset, store.keys.batch(other), None, None, unknown) for other in others])
        loads = weigh(store)
        stage.until(lambda: campaign.status().recipients["held"] == 3, timeout_s=60.0)
        # No event of it, no request for it and no answer about it holds all their ids, which are 69,000 bytes.
        assert max(loads.sent, loads.answered) < 40_000
        assert loads.commands_at_once <= 500
        (held,) = [event for event in stage.events(campaign) if event.type == "batch.held"]
        assert len(held.data["lookalikes"]) == 100
        assert set(held.data["lookalikes"]) <= set(others)

    def test_a_clock_that_is_behind_proves_nothing(self, make_stage: Callable[..., Stage]) -> None:
        """The mailing is listed, but as if it were older than its request: neither there nor absent."""
        stage = make_stage(gateway_timezone=ZoneInfo("Asia/Tokyo"))
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        stage.sandbox.fault("reset_after", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert len(stage.sandbox.ledger()) == 5

    @pytest.mark.clear_listing
    def test_confirm_refused_because_an_earlier_one_was_late(self, stage: Stage) -> None:
        """The mailing's state says that it went out, whatever the answer says."""

        class Overtaken(Gateway):
            """An earlier request for the same confirmation arrives just before this one."""

            def confirm_viber_message(self, message_id: int, **options: Any) -> None:
                super().confirm_viber_message(message_id)
                super().confirm_viber_message(message_id, **options)

        settings = stage.services.settings
        transport = Transport(settings.gateway_url, connect_timeout_s=2, deadline_s=2)
        overtaken = Overtaken(transport, settings.token("default"))
        stage.services = replace(stage.services, gateway=lambda _: overtaken)
        campaign = stage.enqueue(list_job(1))
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 4}
        assert len(stage.sandbox.ledger()) == 4

    @pytest.mark.clear_listing
    def test_quick_in_doubt(self, stage: Stage) -> None:
        stage.sandbox.fault("reset_after", "sendQuickViberMessage")
        campaign = stage.enqueue(quick_job(phones(1)[0]))
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 1}

    def test_lease_over(self, stage: Stage) -> None:
        """The worker died: unknown, never planned again by itself."""
        campaign = stage.enqueue(bulk_job(phones(3)))
        claims.claim(stage.services, f"{campaign.id}-0")
        batch = stage.services.batches.read(f"{campaign.id}-0")
        assert declare_unknown(stage.services, batch)
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert stage.sandbox.ledger() == []


class TestDeciding:
    """What a person decides, recorded with who and why."""

    def held(self, stage: Stage) -> Campaign:
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        return campaign

    def test_resend(self, stage: Stage) -> None:
        campaign = self.held(stage)
        assert campaign.resolve("resend", by="ann", why="not in the cabinet") == 1
        assert campaign.status().state == "ready"
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}
        planned = next(e for e in stage.events(campaign) if e.type == "batch.planned")
        assert (planned.data["by"], planned.data["why"]) == ("ann", "not in the cabinet")
        assert campaign.resolve("resend", by="ann", why="again") == 0

    def test_sent(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(poll_horizon_s=2.0)
        campaign = self.held(stage)
        assert campaign.resolve("sent", by="ann", why="seen in the cabinet", batch_id=f"{campaign.id}-0") == 1
        assert campaign.status().sent == 3
        stage.finish(campaign)
        assert campaign.status().statuses == {"UNKNOWN_FINAL": 3}

    def test_write_off(self, stage: Stage) -> None:
        campaign = self.held(stage)
        assert campaign.resolve("write-off", by="ann", why="too late") == 1
        stage.finish(campaign)
        assert campaign.status().recipients["written_off"] == 3

    def test_what_is_no_decision(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        with pytest.raises(ValueError, match="sent, resend, write-off"):
            campaign.resolve("guess", by="ann", why="?")
        assert campaign.resolve("resend", by="ann", why="nothing is held") == 0
        assert campaign.resolve("resend", by="ann", why="not its batch", batch_id="other-0") == 0

    def test_retry(self, stage: Stage) -> None:
        stage.sandbox.fault("refuse", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        assert campaign.retry(by="ann", why="the name is registered now") == 1
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}
