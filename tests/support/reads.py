"""Polls and fetches of one batch by its id, as a worker's turn makes them; but the turn has a permit already."""

from __future__ import annotations

from typing import Any, NamedTuple

from campaigns.flow.tracking.fallback import announce_undelivered
from campaigns.flow.tracking.poll import poll_batch as poll
from campaigns.flow.tracking.replies import fetch_replies
from campaigns.services import Services
from tests.support.claims import finish


class Read(NamedTuple):
    """What a gateway of a test answers to a poll, as `campaigns.gateway.client.Polled`."""

    data: Any
    digest: str = "x"


def poll_batch(services: Services, batch_id: str) -> None:
    """Poll once, and write how it ended."""
    batch = services.batches.read(batch_id)
    finish(services.store, poll(services, batch, services.now_ms(), services.limiter.read_permits(batch.account)))


def announce_batch(services: Services, batch_id: str) -> None:
    """Announce who of a batch was not delivered, and write how it ended."""
    batch = services.batches.read(batch_id)
    permits = services.limiter.read_permits(batch.account)
    finish(services.store, announce_undelivered(services, batch, services.now_ms(), permits))


def fetch_batch(services: Services, batch_id: str) -> None:
    """Fetch the replies to a batch once."""
    batch = services.batches.read(batch_id)
    fetch_replies(services, batch, services.limiter.read_permits(batch.account))
