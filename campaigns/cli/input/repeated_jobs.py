"""A warning if a job without a key was sent before.

Such a job may be meant to go out twice, so it is not refused. The warning names the first campaign, the command that
stops the new one, and the option --key, under which a repeated job is the earlier campaign.
"""

from __future__ import annotations

from datetime import tzinfo

from campaigns.campaign import Campaign
from campaigns.campaign_filters import state_words
from campaigns.campaign_status import Status
from campaigns.cli.output.screen import remark
from campaigns.errors import UnknownCampaignError
from campaigns.services import Services
from campaigns.store.commands import Redis
from campaigns.text.wording import minute

#: Seconds for which the digest of a job is kept: a day.
_KEPT_S = 86_400


def noted(services: Services, campaign: Campaign) -> Status | None:
    """Store the digest of a campaign's job. Returns the campaign of the last 24 hours with the same job, if any."""
    digest = services.campaigns.read(campaign.id).fields.get("digest", "")
    key = services.store.keys.recent_job(digest)
    first = services.store.ask(Redis.get, key)
    if first is None:
        services.store.ask(Redis.set, key, campaign.id, _KEPT_S)
        return None
    if first.decode() == campaign.id:
        return None
    try:
        return Campaign.of(services, first.decode()).status()
    except UnknownCampaignError:
        return None


def warn_of(first: Status, campaign: Campaign, zone: tzinfo) -> None:
    """Print the warning to standard error."""
    since = f"{minute(first.created_at, zone)} {zone}"
    remark(f"warning: campaign {first.id} has the same job, sent {since}, now {state_words(first)}:")
    remark("  its recipients are messaged again. To prevent that, cancel the new one at once:")
    remark(f"  campaigns cancel {campaign.id}")
    remark("  next time use --key: the same job under the same key never makes a second campaign")
