"""Another time for the batches of a campaign that are still here. Those at the gateway keep their time."""

from __future__ import annotations

from datetime import datetime

from campaigns.acts import Act, Deed
from campaigns.flow.scheduling.dispatch import ring
from campaigns.flow.scheduling.sweep import sweep_campaign
from campaigns.flow.scheduling.windows import lead_within_window
from campaigns.ledger import SEND, Campaign, queue_of
from campaigns.services import Services
from campaigns.text.wording import moment
from campaigns.times.gateway_times import parse_when


def to_come_ms(services: Services, when: datetime | str) -> int:
    """A future time as unix ms; without a zone it is in the gateway's. Raises ValueError for anything else."""
    if not isinstance(when, (str, datetime)):
        raise ValueError("must be a datetime or text such as 2030-05-01T10:00:00")  # noqa: TRY004 (as for other times)
    at_ms = parse_when(when, services.settings.gateway_timezone)
    if at_ms <= services.now_ms():
        raise ValueError("is in the past")
    return at_ms


def reschedule(services: Services, campaign: Campaign, at_ms: int, by: str, why: str) -> int:
    """Let the batches that are still here go out at `at_ms` (unix ms). Returns their number. Raises StateError."""
    lead_ms = lead_within_window(campaign, at_ms, services.ms.schedule_lead)
    zone = services.settings.gateway_timezone
    act = Act(Deed.CAMPAIGN_RESCHEDULED, campaign.id, by, why, f"{moment(at_ms, zone)} {zone}")
    number = services.campaigns.reschedule(act, at_ms, lead_ms)
    _keep_until(services, campaign, at_ms)
    # Entries that wait for the old time get the new one.
    sweep_campaign(services, services.campaigns.read(campaign.id))
    ring(services, queue_of(SEND, campaign.kind))
    return number


def _keep_until(services: Services, campaign: Campaign, at_ms: int) -> None:
    """Renew the request bodies, as if they were planned now for that time."""
    later_ms = max(0, at_ms - services.now_ms())
    for batches in services.batches.read_in_portions(campaign.batch_ids()):
        services.plans.keep(batches, later_ms=later_ms)
