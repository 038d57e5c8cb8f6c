"""A warning if a job was sent before within a day, without a key or under another one.

Such a job may be meant to go out twice, so it is not refused. The warning names the earlier campaign, the command that
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


def sent_before(services: Services, digest: str) -> Status | None:
    """The last campaign of the last 24 hours that the command made of the job with this digest, if any."""
    found = services.store.ask(Redis.get, services.store.keys.recent_job(digest))
    try:
        return Campaign.of(services, found.decode()).status() if found is not None else None
    except UnknownCampaignError:
        return None


def note(services: Services, campaign: Campaign) -> Status | None:
    """Note the job of a new campaign. Returns what `sent_before` returned until then."""
    digest = services.campaigns.read(campaign.id).fields.get("digest", "")
    earlier = sent_before(services, digest)
    services.store.ask(Redis.set, services.store.keys.recent_job(digest), campaign.id, _KEPT_S)
    return earlier


def warn_of(services: Services, earlier: Status, campaign: Campaign | None, zone: tzinfo) -> None:
    """Print the warning to standard error. `campaign`: the new one, None in a dry run."""
    key = services.campaigns.read(earlier.id).fields.get("key")
    under = f" under the key {key!r}" if key else ""
    since = f"{minute(earlier.created_at, zone)} {zone}"
    remark(f"warning: campaign {earlier.id} has the same job{under}, handed in {since}, now {state_words(earlier)}:")
    if campaign is None:
        remark("  its recipients would be messaged again")
    else:
        remark("  its recipients are messaged again. To prevent that, cancel the new one at once:")
        remark(f"  campaigns cancel {campaign.id}")
    remark("  the same job under the same --key never makes a second campaign")
