"""Scenes of doubt: gateways that answer otherwise than the sandbox can, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from campaigns.gateway import Gateway, Transport
from campaigns.handle import Campaign
from tests.support.jobs import bulk_job, phones
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
    """A batch that is known to be accepted, so that the listing can be trusted."""
    stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
