"""What the commands that change campaigns and batches print alike."""

from __future__ import annotations

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.output.obstacles import out_of_reach_words
from campaigns.cli.output.screen import console
from campaigns.cli.output.times import display_zone
from campaigns.text.wording import counted


def print_nothing_done(what: str, campaign: Campaign) -> None:
    """Report that a command found nothing to do, and where to see why."""
    console.print(f"{what}, so nothing was done; see where it is: campaigns status {campaign.id}")


def print_out_of_reach(status: Status) -> None:
    """Warn of messages that wait at the gateway, which nothing here can stop; print nothing if there are none."""
    if words := out_of_reach_words(status, display_zone()):
        console.print(words, style="yellow")


def batches_words(number: int) -> str:
    """`1 batch`, `2 batches`."""
    return counted(number, "batch", "batches")


def under_batch(batch_id: str | None) -> str:
    """` under ID-3`, or nothing if no batch was named."""
    return f" under {batch_id}" if batch_id else ""
