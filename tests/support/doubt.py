"""Requests in doubt: gateways that answer in ways the sandbox cannot, and how often a message went out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from campaigns.campaign import Campaign
from campaigns.gateway import Gateway, Transport
from tests.support.claims import send
from tests.support.jobs import bulk_job, phones
from tests.support.reads import poll_batch
from tests.support.stage import Stage


def ask_through(stage: Stage, kind: type[Gateway]) -> Any:
    """Let the stage ask a gateway of this kind."""
    settings = stage.services.settings
    transport = Transport(settings.gateway_url, connect_timeout_s=2, deadline_s=2)
    gateway = kind(transport, settings.token("default"), read_attempts=2)
    stage.services = replace(stage.services, gateway=lambda _: gateway)
    return gateway


def most_copies(stage: Stage) -> int:
    """How many copies of one message one person got at most: 1 if nothing was sent twice."""
    copies = Counter((row["phone"], row["text"]) for row in stage.sandbox.ledger())
    return max(copies.values(), default=0)


def run_to_its_end(stage: Stage, campaign: Campaign) -> None:
    """Step until the campaign is finished or cancelled."""
    stage.until(lambda: campaign.status().state in {"finished", "cancelled"})


def send_known(stage: Stage) -> None:
    """Send a batch that is known to be accepted."""
    stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))


def in_doubt(stage: Stage, fault: str, job: Any, method: str = "sendBulkViber") -> Campaign:
    """A campaign whose one request is in doubt; the listing has not been checked yet."""
    stage.sandbox.fault(fault, method, delay_s=3)
    campaign = stage.enqueue(job)
    # By itself, so that no check comes before what a test does next.
    send(stage.services, f"{campaign.id}-0")
    assert stage.services.batches.read(f"{campaign.id}-0").state == "unknown"
    return campaign


def send_younger(stage: Stage, **more: Any) -> Campaign:
    """Send a batch after the request in doubt that is known to be accepted: it shows that the listing is up to date."""
    campaign = stage.enqueue(bulk_job(phones(2, start=500), text="younger", **more))
    batch_id = f"{campaign.id}-0"
    send(stage.services, batch_id)
    poll_batch(stage.services, batch_id)
    assert stage.services.batches.read(batch_id).message_ids
    return campaign


def lose_answer(stage: Stage, job: Any) -> None:
    """Lose the answer to a request that arrived, and run its campaign to its end."""
    campaign = in_doubt(stage, "reset_after", job)
    send_younger(stage)
    run_to_its_end(stage, campaign)
