"""Polls and fetches of one batch by its id, as a worker's turn makes them, without a permit that is held already."""

from __future__ import annotations

from typing import Any, NamedTuple

from campaigns.flow.tracking.poll import poll
from campaigns.flow.tracking.replies import fetch_replies
from campaigns.services import Services


class Read(NamedTuple):
    """What a gateway of a test answers to a poll, as `campaigns.gateway.client.Polled`."""

    data: Any
    digest: str = "x"


def poll_batch(services: Services, batch_id: str) -> None:
    """Poll once, and write how it ended."""
    services.store.run_in_turn(poll(services, services.batches.read(batch_id), services.now_ms(), None))


def fetch_batch(services: Services, batch_id: str) -> None:
    """Fetch the replies to a batch once."""
    fetch_replies(services, services.batches.read(batch_id), None)
