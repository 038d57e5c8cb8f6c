"""A line after an error that names the next step."""

from __future__ import annotations

from typing import Any

import click

from campaigns.cli.output.screen import print_everything, remark
from campaigns.errors import (
    AllInvalidError,
    CampaignsError,
    ConfirmationError,
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
    """A group of commands that prints the next step after an error."""

    def main(self, *args: Any, **options: Any) -> Any:
        print_everything()
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SystemExit as leaving:
            # The error handler raises SystemExit, so the error is its context.
            if isinstance(leaving.__context__, CampaignsError) and (step := next_step(leaving.__context__)):
                remark(f"  {step}")
            raise


def next_step(error: CampaignsError) -> str | None:
    """What the user can do about an error, or None."""
    if isinstance(error, StateError):
        return _of_state(error.what, error.state)
    match error:
        case AllInvalidError():
            step = "nothing was stored, and the key is free; mend the recipients and send the job again"
        case JobError():
            step = "nothing was stored; correct the job and send it again"
        case UnknownCampaignError():
            step = "to list campaigns: campaigns list; finished ones expire after CAMPAIGNS_RETENTION_S"
        case KeyConflictError(campaign_id=campaign_id):
            step = f"use another --key, or see the campaign that has it: campaigns status {campaign_id}"
        case WaitTimeoutError(campaign_id=campaign_id):
            step = f"the campaign continues; to follow it: campaigns status {campaign_id} --watch"
        case ConfirmationError():
            step = "once that person agrees, repeat the command with --confirmed-by NAME"
        case ErasureBlockedError():
            step = "repeat this when they are over; campaigns explain PHONE shows what each waits for"
        case SettingsError():
            step = "settings come from the environment; to check all of them: campaigns doctor"
        case _:
            return None
    return step


def _of_state(what: str, state: str) -> str | None:
    if state in OVER:
        return "it is over; to act on held or refused requests: campaigns resolve --help, campaigns retry --help"
    if what == "approve":
        return "it is not a draft"
    if state == DRAFT:
        return "it is a draft; to send it: campaigns approve"
    if state == PAUSED:
        return "it is paused; to continue: campaigns resume"
    return "it is not paused" if what == "resume" and state == READY else None
