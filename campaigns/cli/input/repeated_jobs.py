"""The same job handed in again: under its key it is the earlier campaign, without one it goes out again.

A job without a key cannot be told from one that is meant to go out twice, so a repetition is not refused. It is
said, with the first campaign and with what makes a repetition harmless.
"""

from __future__ import annotations

from datetime import tzinfo

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.output.screen import remark
from campaigns.cli.output.status_table import state_words
from campaigns.errors import UnknownCampaignError
from campaigns.services import Services
from campaigns.store.commands import Redis
from campaigns.text.wording import minute

#: So long the fingerprint of a job is kept, in seconds: a day.
_REMEMBERED_S = 86_400


def noted(services: Services, campaign: Campaign) -> Status | None:
    """Note what was handed in. Returns the campaign of the last day that had the very same job, if there was one."""
    digest = services.campaigns.read(campaign.id).fields.get("digest", "")
    key = services.store.keys.recent_job(digest)
    first = services.store.ask(Redis.get, key)
    if first is None:
        services.store.ask(Redis.set, key, campaign.id, _REMEMBERED_S)
        return None
    if first.decode() == campaign.id:
        return None
    try:
        return Campaign.of(services, first.decode()).status()
    except UnknownCampaignError:
        return None


def warn_of(first: Status, campaign: Campaign, zone: tzinfo) -> None:
    """On standard error: which campaign was the first, how to stop this one, and how to be safe."""
    since = f"{minute(first.created_at, zone)} {zone}"
    remark(f"warning: campaign {first.id} had the very same job, handed in {since}, now {state_words(first)}:")
    remark("  everybody in it is messaged again. If that is not wanted, quickly:")
    remark(f"  campaigns cancel {campaign.id}")
    remark("  and next time give --key: the same job under the same key never makes a second campaign")
