"""Ids of campaigns and batches as users type them: a beginning is enough if only one id has it."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from campaigns.campaign import Campaign
from campaigns.cli.output.screen import remark
from campaigns.errors import CampaignsError, UnknownCampaignError
from campaigns.text.harmless import harmless
from campaigns.wiring import default_services

_MOST_CANDIDATES: Final = 10
_BEGINNING: Final = re.compile("[0-9a-z]{1,16}")
_FULL: Final = re.compile("[0-9a-z]{17,21}")


class AmbiguousIdError(CampaignsError):
    """More than one campaign has an id that begins so; nothing was done."""

    def __init__(self, beginning: str, candidates: list[str]) -> None:
        self.candidates = candidates
        super().__init__(f"several campaigns have an id that begins with {beginning!r}")


def found_campaign(typed: str) -> Campaign:
    """The campaign with this id, or the only one whose id begins with it.

    Raises UnknownCampaignError, AmbiguousIdError, StoreError.
    """
    return Campaign(full_id(typed))


def full_id(typed: str) -> str:
    """The full id of a campaign. Raises UnknownCampaignError, AmbiguousIdError and StoreError."""
    campaigns, beginning = default_services().campaigns, typed.strip().lower()
    if not _BEGINNING.fullmatch(beginning):
        # A full id, or not an id at all: reading the campaign reports that.
        return beginning if _FULL.fullmatch(beginning) else typed.strip()
    candidates = list(islice(campaigns.beginning_with(beginning), _MOST_CANDIDATES))
    if not candidates:
        raise UnknownCampaignError(typed)
    if len(candidates) > 1:
        raise AmbiguousIdError(beginning, sorted(candidates))
    return candidates[0]


def full_batch_id(campaign_id: str, typed: str | None) -> str | None:
    """The full id of a batch, from its number alone or after the beginning of the campaign's id: `3`, `1a2-3`."""
    if typed is None:
        return None
    beginning, _, number = typed.rpartition("-")
    return f"{campaign_id}-{number}" if number.isdecimal() and campaign_id.startswith(beginning) else typed


def print_candidates(error: AmbiguousIdError) -> None:
    """Print each candidate with its state and name."""
    for candidate in error.candidates:
        status = Campaign(candidate).status()
        remark(f"  {candidate}  {status.state}  {harmless(status.name)}".rstrip())
    if len(error.candidates) >= _MOST_CANDIDATES:
        remark("  ...")
    remark("  type more of the id")
