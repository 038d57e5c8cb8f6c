"""Excluded recipients by mailing, as far as the store says in which one they were."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from campaigns.ledger import Campaign
from campaigns.recipients.exclusions import Exclusion
from campaigns.services import Services


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
    for one in services.campaigns.counted_excluded(campaign.id):
        number = 0 if mailings == 1 else one.in_mailing
        counts = found.elsewhere if number is None else found.of_mailing.setdefault(number, Counter())
        counts[one.reason] += 1
        found.late += one.reason == Exclusion.OPTED_OUT and one.place.startswith(f"{campaign.id}-")
    return found
