"""Ids of campaigns and batches as people type them: a beginning that only one has is enough."""

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
_BEGINNING: Final = re.compile("[0-9a-f]{1,20}")


class AmbiguousIdError(CampaignsError):
    """More than one campaign has an id that begins so; nothing was done."""

    def __init__(self, beginning: str, candidates: list[str]) -> None:
        self.candidates = candidates
        super().__init__(f"several campaigns have an id that begins with {beginning!r}")


def found_campaign(typed: str) -> Campaign:
    """The campaign with this id, or the only one whose id begins so.

    Raises UnknownCampaignError, AmbiguousIdError, StoreError.
    """
    return Campaign(full_id(typed))


def full_id(typed: str) -> str:
    """The whole id. Asks once for an id that is whole, and else looks through the ids that are kept."""
    campaigns, beginning = default_services().campaigns, typed.strip().lower()
    if not _BEGINNING.fullmatch(beginning):
        # Whole, or none of ours: what reads it says so.
        return typed.strip()
    candidates = list(islice(campaigns.beginning_with(beginning), _MOST_CANDIDATES))
    if not candidates:
        raise UnknownCampaignError(typed)
    if len(candidates) > 1:
        raise AmbiguousIdError(beginning, sorted(candidates))
    return candidates[0]


def full_batch_id(campaign_id: str, typed: str | None) -> str | None:
    """The whole id of a batch: its number is enough, and so is the campaign's beginning before it."""
    if typed is None:
        return None
    beginning, _, number = typed.rpartition("-")
    return f"{campaign_id}-{number}" if number.isdecimal() and campaign_id.startswith(beginning) else typed


def tell_candidates(error: AmbiguousIdError) -> None:
    """Each candidate on a line of its own, with what helps to recognise it."""
    for candidate in error.candidates:
        status = Campaign(candidate).status()
        remark(f"  {candidate}  {status.state}  {harmless(status.name)}".rstrip())
    if len(error.candidates) >= _MOST_CANDIDATES:
        remark("  ...")
    remark("  type more of it")
