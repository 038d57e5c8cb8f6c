"""The results of a campaign, computed from the store when they are asked for.

Nothing is counted by mailing while messages are sent, so sending costs nothing for it. Deliveries are counted as they
are read, so memory does not grow with the number of recipients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.evaluation.chance import compared
from campaigns.evaluation.contents import contents_of
from campaigns.evaluation.exclusions import ExclusionCounts, excluded_from
from campaigns.evaluation.hours import Hours
from campaigns.evaluation.responses import Responses, responses_to
from campaigns.evaluation.sums import MailingSums
from campaigns.evaluation.values import MailingResults, Results
from campaigns.ledger import Batch, Campaign
from campaigns.services import Services
from campaigns.statuses import TO_READ
from campaigns.times.windows import RECIPIENT

_BATCHES_AT_ONCE: Final = 200
_RECIPIENTS_AT_ONCE: Final = 5000


class Evaluation:
    """Computes the results of a campaign from batches and deliveries, which the caller reads."""

    def __init__(self, services: Services, campaign: Campaign) -> None:
        self._services = services
        self._campaign = campaign
        self._contents = contents_of(campaign)
        self._zone = zone_of(services, campaign)
        self._hours = Hours(self._zone)
        final = services.settings.final_statuses
        self._sums = [MailingSums(final, self._hours) for _ in self._contents]

    def add_batch(self, batch: Batch) -> None:
        """Count a batch itself."""
        for number, mailing in enumerate(batch.mailings):
            self._sums[mailing.index].add_part(batch, number)

    def add_deliveries(self, batch: Batch, number: int, values: Sequence[bytes]) -> None:
        """Count deliveries of mailing `number` of a batch, as stored."""
        self._sums[batch.mailings[number].index].add_deliveries(values)

    def results(self) -> Results:
        """The results, once everything is counted. Reads the replies and the excluded recipients; raises StoreError."""
        campaign, services = self._campaign, self._services
        responses = responses_to(services, campaign, campaign.number("replies"))
        excluded = excluded_from(services, campaign, len(self._sums))
        mailings = tuple(self._mailing(number, responses, excluded) for number in range(len(self._sums)))
        follows = (campaign.fields.get("follow") or TO_READ) == TO_READ
        return Results(
            campaign=campaign.id,
            name=campaign.name,
            made_at=datetime.fromtimestamp(services.now_ms() / 1000, tz=UTC),
            zone=str(self._zone),
            mailings=mailings,
            comparisons=compared([mailing.read_share for mailing in mailings]) if follows else (),
            follows_reads=follows,
            read_hours=self._hours.counts,
            replied=responses.people,
            opted_out=responses.opted_out.total(),
            excluded_elsewhere=dict(excluded.elsewhere),
            opted_out_late=excluded.late,
            optout_scopes=tuple(sorted(responses.scopes)),
        )

    def _mailing(self, number: int, responses: Responses, excluded: ExclusionCounts) -> MailingResults:
        name, content = self._contents[number]
        # Replies know their mailing by its name in the batch, which a single message does not have.
        known_as = name if len(self._sums) > 1 else None
        return MailingResults(
            number=number,
            name=name,
            content=content,
            excluded=dict(excluded.of_mailing.get(number, {})),
            replied=responses.replied[known_as] if known_as is not None else responses.people,
            opted_out=responses.opted_out[known_as] if known_as is not None else responses.opted_out.total(),
            **self._sums[number].counts(),
        )


def results_of(services: Services, campaign: Campaign) -> Results:
    """The results of a campaign as they are now. Reads every delivery; raises StoreError."""
    evaluation = Evaluation(services, campaign)
    for batches in batches_of(services, campaign):
        for batch in batches:
            evaluation.add_batch(batch)
        for batch, number, values in services.deliveries.with_status(batches):
            evaluation.add_deliveries(batch, number, values)
    return evaluation.results()


def has_several_mailings(services: Services, campaign_id: str) -> bool:
    """Whether there is something to compare. Raises UnknownCampaignError and StoreError."""
    return len(contents_of(services.campaigns.read(campaign_id))) > 1


def batches_of(services: Services, campaign: Campaign) -> Iterator[list[Batch]]:
    """The campaign's batches in portions, smaller if batches are large."""
    ids, start, size = campaign.batch_ids(), 0, 1
    while start < len(ids):
        batches = services.batches.read_many(ids[start : start + size])
        yield batches
        start += size
        largest = max(batch.recipients for batch in batches)
        size = min(max(_RECIPIENTS_AT_ONCE // max(largest, 1), 1), _BATCHES_AT_ONCE)


def zone_of(services: Services, campaign: Campaign) -> ZoneInfo:
    """The zone of a campaign's window; the gateway's if it has none, or one of each recipient's."""
    window = campaign.window
    if window is None or window.zone == RECIPIENT:
        return services.settings.gateway_timezone
    return ZoneInfo(window.zone)
