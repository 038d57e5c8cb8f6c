"""Schedules: when the mailings of a campaign start, and what of them the gateway holds already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from campaigns.ledger.batches import Batches
from campaigns.ledger.records import Batch, Campaign
from campaigns.ledger.states import ACCEPTED, HELD, SENDING, UNKNOWN

#: The gateway has such a batch, or may have it.
_HANDED_OVER = frozenset({SENDING, UNKNOWN, HELD, ACCEPTED})


@dataclass(frozen=True, slots=True)
class Schedule:
    """`times_ms` are all scheduled times of a campaign, unix ms, the earliest first. Of one that was rescheduled they
    are the new time, and those for which something waits at the gateway.

    `out_of_reach` counts recipients whose mailing waits at the gateway for its time, and `until_ms` is the last of
    those times. No method of the gateway cancels: neither pause nor cancel reaches them.
    """

    times_ms: tuple[int, ...] = ()
    out_of_reach: int = 0
    until_ms: int | None = None


def schedule_of(batches: Batches, campaign: Campaign, now: Callable[[], int]) -> Schedule:
    """Ask for the time (unix ms) and read the batches only if there is a schedule. Raises StoreError."""
    moved_ms = campaign.rescheduled_ms
    times = _times(batches, campaign)
    latest_ms = max((*times, moved_ms or 0), default=0)
    if moved_ms:
        times = (moved_ms,)
    if campaign.over or latest_ms <= (now_ms := now()):
        return Schedule(times)
    waiting = [(starts_ms, n) for starts_ms, n in _handed_over(batches, campaign) if starts_ms > now_ms]
    until_ms = max((starts_ms for starts_ms, _ in waiting), default=None)
    times = tuple(sorted({*times, *(starts_ms for starts_ms, _ in waiting)}))
    return Schedule(times, sum(n for _, n in waiting), until_ms)


def _times(batches: Batches, campaign: Campaign) -> tuple[int, ...]:
    job = campaign.job
    times = {mailing.get("schedule_ms") for mailing in job.get("messages") or ()}
    if campaign.kind == "list" and campaign.batches and (job.get("fields") or {}).get("d_schedule"):
        times = {mailing.starts_at_ms for mailing in batches.read(campaign.batch_ids()[0]).mailings}
    return tuple(sorted(time for time in times if time is not None))


def _handed_over(batches: Batches, campaign: Campaign) -> Iterator[tuple[int, int]]:
    """When each batch that the gateway has starts, and how many recipients it has."""
    for batch in batches.read_each(campaign.batch_ids()):
        if batch.state in _HANDED_OVER:
            yield _starts_ms(batch), batch.recipients


def _starts_ms(batch: Batch) -> int:
    return max((batch.scheduled_ms(mailing) or 0 for mailing in batch.mailings), default=0)
