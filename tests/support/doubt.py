"""Scenes of doubt: gateways that answer otherwise than the sandbox can, and what came of it."""

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


def through(stage: Stage, kind: type[Gateway]) -> Any:
    """Let the stage ask a gateway of this kind."""
    s = stage.services.settings
    g = kind(Transport(s.gateway_url, connect_timeout_s=2, deadline_s=2), s.token("default"), read_attempts=2)
    stage.services = replace(stage.services, gateway=lambda _: g)
    return g


def double(stage: Stage) -> int:
    """How often somebody got the same message: 1 if nobody got one twice."""
    got = Counter((r["phone"], r["text"]) for r in stage.sandbox.ledger())
    return max(got.values(), default=0)


def run(stage: Stage, campaign: Campaign) -> None:
    """Until nothing more happens by itself."""
    stage.until(lambda: campaign.status().state in {"finished", "cancelled"})


def known(stage: Stage) -> None:
    """A batch that is known to be accepted."""
    stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))


def in_doubt(stage: Stage, fault: str, job: Any, method: str = "sendBulkViber") -> Campaign:
    """A campaign whose one request is in doubt; nobody has checked yet."""
    stage.sandbox.fault(fault, method, delay_s=3)
    campaign = stage.enqueue(job)
    # By itself, so that no check comes before what a test does next.
    send(stage.services, f"{campaign.id}-0")
    assert stage.services.batches.read(f"{campaign.id}-0").state == "unknown"
    return campaign


def younger(stage: Stage, **more: Any) -> Campaign:
    """A batch that was sent after the request in doubt and is known to be accepted: the listing can be trusted."""
    campaign = stage.enqueue(bulk_job(phones(2, start=500), text="younger", **more))
    batch_id = f"{campaign.id}-0"
    send(stage.services, batch_id)
    poll_batch(stage.services, batch_id)
    assert stage.services.batches.read(batch_id).message_ids
    return campaign
