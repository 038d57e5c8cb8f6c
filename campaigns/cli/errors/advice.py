"""What to do next after an error, in a line."""

from __future__ import annotations

from typing import Any

import click

from campaigns.cli.output.screen import print_everything, remark
from campaigns.errors import (
    CampaignsError,
    ErasureBlockedError,
    JobError,
    KeyConflictError,
    SettingsError,
    StateError,
    UnknownCampaignError,
    WaitTimeoutError,
)
from campaigns.ledger.states import DRAFT, OVER, PAUSED, READY


class AdvisingGroup(click.Group):
    """A group of commands that says what to do next after an error has been told."""

    def main(self, *args: Any, **options: Any) -> Any:
        print_everything()
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SystemExit as leaving:
            # Whoever tells an error leaves from within its handler.
            if isinstance(leaving.__context__, CampaignsError) and (step := next_step(leaving.__context__)):
                remark(f"  {step}")
            raise


def next_step(error: CampaignsError) -> str | None:
    """What the person at the keyboard can do about it; None if there is nothing to say."""
    if isinstance(error, StateError):
        return _of_state(error.state)
    match error:
        case JobError():
            step = "nothing was stored; put it right and hand the job in again"
        case UnknownCampaignError():
            step = "see which there are: campaigns list; finished ones are forgotten after CAMPAIGNS_RETENTION_S"
        case KeyConflictError(campaign_id=campaign_id):
            step = f"give another --key, or see that campaign: campaigns status {campaign_id}"
        case WaitTimeoutError(campaign_id=campaign_id):
            step = f"nothing is lost; follow it: campaigns status {campaign_id} --watch"
        case ErasureBlockedError():
            step = "repeat it once they are over; campaigns explain PHONE tells what each waits for"
        case SettingsError():
            step = "settings come from the environment; campaigns doctor looks at all of it"
        case _:
            return None
    return step


def _of_state(state: str) -> str | None:
    if state in OVER:
        return "it is over; what was held or refused can be put right: campaigns resolve --help, campaigns retry --help"
    if state == DRAFT:
        return "it is a draft; to let it go out: campaigns approve"
    if state == PAUSED:
        return "it is paused; to go on: campaigns resume"
    return "it is not paused" if state == READY else None
