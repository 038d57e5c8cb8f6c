"""Excluded recipients by mailing, as far as the store says in which one they were."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from campaigns.ledger import Campaign
from campaigns.recipients.exclusions import Excluded, Exclusion
from campaigns.services import Services

_PLACE: Final = re.compile(r"messages\[([0-9]+)\]\.delivery_list\[[0-9]+\]")


@dataclass(slots=True)
class ExclusionCounts:
    """Excluded recipients by mailing and reason, those of no known mailing by reason, and those who opted out after
    planning."""

    of_mailing: dict[int, Counter[str]] = field(default_factory=dict)
    elsewhere: Counter[str] = field(default_factory=Counter)
    late: int = 0


def excluded_from(services: Services, campaign: Campaign, mailings: int) -> ExclusionCounts:
    """Count the excluded recipients of a campaign that has `mailings` mailings. Raises StoreError."""
    found = ExclusionCounts()
    if not any(campaign.recipients[reason] for reason in Exclusion):
        return found
    for one in services.campaigns.excluded(campaign.id):
        number = 0 if mailings == 1 else _mailing_of(one)
        counts = found.elsewhere if number is None else found.of_mailing.setdefault(number, Counter())
        counts[one.reason] += 1
        found.late += one.reason == Exclusion.OPTED_OUT and one.place.startswith(f"{campaign.id}-")
    return found


def _mailing_of(one: Excluded) -> int | None:
    if one.mailing is not None:
        return one.mailing
    match = _PLACE.fullmatch(one.place)
    return int(match[1]) if match else None
