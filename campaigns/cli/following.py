"""A campaign followed live on a terminal."""

from __future__ import annotations

import time

from rich.live import Live

from campaigns.cli.show import console, status_table
from campaigns.errors import WaitTimeoutError
from campaigns.handle import Campaign, Status
from campaigns.ledger.states import OVER


def followed(campaign: Campaign, timeout_s: float | None) -> Status:
    """Show the campaign live until it is over. Raises WaitTimeoutError."""
    until = None if timeout_s is None else time.monotonic() + timeout_s
    with Live(status_table(campaign.status()), console=console, refresh_per_second=4) as live:
        while True:
            now = campaign.status()
            live.update(status_table(now))
            if now.state in OVER:
                return now
            if until is not None and time.monotonic() > until:
                raise WaitTimeoutError(campaign.id, now.state, timeout_s or 0)
            time.sleep(0.25)
