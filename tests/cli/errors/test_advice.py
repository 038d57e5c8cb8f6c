"""After an error, what to do next."""

from __future__ import annotations

from decimal import Decimal

import pytest

from campaigns.cli.errors.advice import next_step
from campaigns.errors import (
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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (JobError({"kind": ["must be one of bulk, quick, list"]}), "nothing was stored"),
        (UnknownCampaignError("x"), "campaigns list; finished ones expire after CAMPAIGNS_RETENTION_S"),
        (KeyConflictError("k", "1a2b"), "campaigns status 1a2b"),
        (WaitTimeoutError("1a2b", "ready", 5), "campaigns status 1a2b --watch"),
        (ErasureBlockedError({"1a2b-0": "planned"}), "campaigns explain"),
        (ConfirmationError("1a2b", "ann", Decimal("9.80")), "with --confirmed-by NAME"),
        (ConfirmationError("", "ann", Decimal(5)), "with --confirmed-by NAME"),
        (SettingsError({"CAMPAIGNS_LEASE_S": "is not a number"}), "campaigns doctor"),
        (StateError("cancel", "finished"), "campaigns resolve --help"),
        (StateError("pause", "paused"), "campaigns resume"),
        (StateError("resume", "ready"), "it is not paused"),
        (StateError("approve", "ready"), "it is not a draft"),
        (StateError("approve", "paused"), "it is not a draft"),
    ],
)
def test_next_step(error: CampaignsError, said: str) -> None:
    assert said in str(next_step(error))


def test_nothing_to_say() -> None:
    assert next_step(StateError("go on planning", "abandoned too")) is None
    assert next_step(StateError("reschedule", "ready")) is None
    assert next_step(CampaignsError("x")) is None
